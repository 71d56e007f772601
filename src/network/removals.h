// Endpoints on their way out. Their container does not wait for what takes milliseconds in the
// kernel: port rules go right afterwards, and links go by themselves when the container's namespace
// does; one that has not gone a while later is removed.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <vector>

#include "network/network.h"
#include "network/worker.h"
#include "os/firewall.h"
#include "os/net_stack.h"

namespace brig::network {

/// Thread-safe.
class Removals {
public:
    struct Parts {
        os::NetStack& stack;
        os::Firewall& firewall;
        Worker& worker;
        std::function<void(const Endpoint&)> ports_free;    ///< nothing leads to its ports any more
        std::function<void(const Endpoint&)> address_free;  ///< nor is its link there
    };
    explicit Removals(Parts parts) : parts_(std::move(parts)) {}

    void add(Endpoint endpoint);
    /// Finishes all of them before it returns.
    void finish();

private:
    using Clock = std::chrono::steady_clock;
    struct Item {
        Endpoint endpoint;
        Clock::time_point since;
    };
    void unpublish();
    void sweep(Clock::time_point until);
    Parts parts_;
    std::mutex busy_;   ///< held while they are worked on, so that `finish` waits for others too
    std::mutex mutex_;  ///< of what follows
    std::vector<Endpoint> published_;
    std::vector<Item> linked_;  ///< oldest first
};

/// Where one of its ports leads: its address of the same family.
IpAddress target_of(const Endpoint& endpoint, const PublishedPort& port);
/// The firewall's view of an endpoint's ports.
std::vector<os::PortForward> forwards_of(const Endpoint& endpoint);

}  // namespace brig::network
