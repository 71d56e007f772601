// What happened, for `docker events` and everything that follows containers: a ring of the latest
// events and live subscribers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace brig::engine {

struct Event {
    std::string type;    ///< "container", "image", "volume", "network"
    std::string action;  ///< "create", "start", "die", "exec_create: sh", …
    std::string id;
    std::map<std::string, std::string> attributes;
    Instant at{};
};

/// Docker's message form, with the fields of old clients (status, id, from) too.
nlohmann::json to_message(const Event& event);
/// type, event, container, image, volume, network, label; an unknown key is invalid_argument.
bool matches(const Event& event, const std::map<std::string, std::vector<std::string>>& filters);

/// Thread-safe; never blocks a publisher on a slow reader: one that falls a whole ring behind loses
/// the oldest.
class EventBus {
public:
    static constexpr std::size_t ring_size = 256;

    void publish(Event event);

    /// A place in the stream of events.
    class Cursor {
    public:
        /// The next event, or nothing after `patience`.
        std::optional<Event> next(std::chrono::milliseconds patience);

    private:
        friend class EventBus;
        Cursor(EventBus& bus, std::uint64_t at) : bus_(&bus), next_(at) {}
        EventBus* bus_;
        std::uint64_t next_;
    };
    /// From the oldest kept event at or after `since`, or from now on.
    Cursor subscribe(std::optional<Instant> since = {});

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Event> ring_;
    std::uint64_t first_ = 0;  ///< number of ring_.front()
};

}  // namespace brig::engine
