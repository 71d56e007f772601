#include "network/removals.h"

#include <net/if.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "base/log.h"

namespace brig::network {

namespace {

/// The kernel needs some 30 ms to take down a namespace with its link; removing the link ourselves
/// meanwhile would have everybody wait for the kernel's lock twice.
constexpr std::chrono::milliseconds patience{250};

}  // namespace

IpAddress target_of(const Endpoint& endpoint, const PublishedPort& port) {
    if (os::is_ipv6(port.host_ip) && endpoint.address6) return endpoint.address6->address;
    return endpoint.address.address;
}

std::vector<os::PortForward> forwards_of(const Endpoint& endpoint) {
    std::vector<os::PortForward> forwards;
    for (const auto& port : endpoint.ports) {
        forwards.push_back({port.protocol, port.host_ip, port.host_port, target_of(endpoint, port),
                            port.container_port});
    }
    return forwards;
}

void Removals::add(Endpoint endpoint) {
    const bool has_ports = !endpoint.ports.empty();
    {
        const std::lock_guard lock(mutex_);
        if (has_ports) published_.push_back(endpoint);
        linked_.push_back({std::move(endpoint), Clock::now()});
    }
    if (has_ports) parts_.worker.post([this] { unpublish(); });
    parts_.worker.post([this] { sweep(Clock::now() - patience); }, patience);
}

void Removals::finish() {
    unpublish();
    sweep(Clock::time_point::max());
}

void Removals::unpublish() {
    const std::lock_guard busy(busy_);
    std::vector<Endpoint> endpoints;
    {
        const std::lock_guard lock(mutex_);
        endpoints.swap(published_);
    }
    if (endpoints.empty()) return;
    std::vector<os::PortForward> forwards;
    for (const auto& endpoint : endpoints) {
        const auto more = forwards_of(endpoint);
        forwards.insert(forwards.end(), more.begin(), more.end());
    }
    try {
        parts_.firewall.unpublish(forwards);
    } catch (const Error& error) {
        log::warn("unpublish ports: {}", error.message());
    }
    for (const auto& endpoint : endpoints) parts_.ports_free(endpoint);
}

/// Those that were added up to then.
void Removals::sweep(Clock::time_point until) {
    const std::lock_guard busy(busy_);
    std::vector<Item> items;
    {
        const std::lock_guard lock(mutex_);
        const auto young = std::find_if(linked_.begin(), linked_.end(),
                                        [&](const Item& item) { return item.since > until; });
        items.assign(std::make_move_iterator(linked_.begin()), std::make_move_iterator(young));
        linked_.erase(linked_.begin(), young);
    }
    std::vector<std::string> present;
    for (const auto& [endpoint, since] : items) {
        if (!endpoint.link.empty() && ::if_nametoindex(endpoint.link.c_str()) != 0)
            present.push_back(endpoint.link);
    }
    try {
        parts_.stack.remove_links(present);
    } catch (const Error& error) {
        log::warn("{}", error.message());  // the next start removes it
    }
    for (const auto& item : items) parts_.address_free(item.endpoint);
}

}  // namespace brig::network
