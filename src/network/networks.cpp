#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/defer.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "network/impl.h"

namespace brig::network {
namespace {

void check_container_id(const std::string& id) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (id.empty() || id.size() > 128 || !std::all_of(id.begin(), id.end(), allowed)) {
        throw Error(ErrorKind::invalid_argument, "{} is not a container identifier", id);
    }
}

}  // namespace

std::string Networks::Impl::id_of(const std::string& name) const {
    // Made from what identifies the network, so that it is the same after a restart.
    return std::string(Digest::of(fmt::format("brig network {} {} {}", config.run_dir.native(),
                                              config.bridge, name))
                           .hex());
}

NetworkInfo Networks::Impl::describe(const std::string& name) const {
    NetworkInfo info{.name = name,
                     .id = id_of(name),
                     .driver = name == "none" ? "null" : name,
                     .created = created};
    if (name != "bridge") return info;
    info.gateway = config.gateway;
    info.gateway6 = config.gateway6;
    info.options = {
        {"com.docker.network.bridge.default_bridge", "true"},
        {"com.docker.network.bridge.enable_icc", "true"},
        {"com.docker.network.bridge.enable_ip_masquerade", "true"},
        {"com.docker.network.bridge.host_binding_ipv4", "0.0.0.0"},
        {"com.docker.network.bridge.name", config.bridge},
        {"com.docker.network.driver.mtu", std::to_string(config.mtu == 0 ? 1500 : config.mtu)}};
    const std::lock_guard lock(mutex);
    for (const auto& [id, endpoint] : endpoints) info.endpoints.push_back(endpoint);
    return info;
}

void Networks::Impl::make_ready() {
    const std::lock_guard ready_lock(ready_mutex);
    if (ready) return;
    // One that was there before is somebody else's, and stays when we go.
    if (::if_nametoindex(config.bridge.c_str()) == 0)
        write_file_atomic(own_bridge(), "", 0600, Durability::rebuildable);
    stack->ensure_bridge(bridge());
    std::vector<os::PortForward> forwards;
    {
        const std::lock_guard lock(mutex);
        for (const auto& [id, endpoint] : endpoints) {
            const auto more = forwards_of(endpoint);
            forwards.insert(forwards.end(), more.begin(), more.end());
        }
    }
    firewall->install(forwards);
    ready = true;
}

void Networks::Impl::finish_pending() {
    worker.drain();
    removals.finish();
}

os::LinkSpec Networks::Impl::link_spec(const Endpoint& endpoint) const {
    return {.container_id = endpoint.container_id,
            .bridge = config.bridge,
            .address = endpoint.address,
            .gateway = config.gateway.address,
            .address6 = endpoint.address6,
            .gateway6 = endpoint.gateway6,
            .mac = endpoint.mac,
            .mtu = config.mtu};
}

/// The same number in the IPv6 subnet that the address is in the IPv4 subnet.
std::optional<Ipv6Interface> Networks::Impl::address6_of(Ipv4Address address) const {
    if (!config.gateway6) return std::nullopt;
    return config.gateway6->at(address.value() & ~config.gateway.mask());
}

bool Networks::Impl::take_address(const AttachRequest& request, Endpoint& endpoint) {
    bool from_stock = false;
    const auto take = [&] {
        const std::lock_guard lock(mutex);
        endpoint.address.prefix = config.gateway.prefix;
        if (request.ip) {
            endpoint.address.address = addresses.take(*request.ip);
        } else if (!stocked.empty() && !request.mac) {  // what is in stock has its MAC already
            endpoint.address.address = stocked.front();
            stocked.pop_front();
            from_stock = true;
        } else {
            endpoint.address.address = addresses.take();
        }
    };
    try {
        take();
    } catch (const Error&) {
        // It may be one that is just becoming free, or the particular one may lie in stock.
        finish_pending();
        drop_stock();
        take();
    }
    endpoint.address6 = address6_of(endpoint.address.address);
    if (endpoint.address6) endpoint.gateway6 = config.gateway6->address;
    endpoint.mac = request.mac.value_or(MacAddress::for_address(endpoint.address.address));
    return from_stock;
}

void Networks::Impl::reserve(const AttachRequest& request, Endpoint& endpoint) {
    const bool from_stock = take_address(request, endpoint);
    Defer give_back([&] {
        if (!from_stock) return free_address(endpoint);
        const std::lock_guard lock(mutex);  // its link is still in stock
        stocked.push_front(endpoint.address.address);
    });
    const auto take_ports = [&] {
        const std::lock_guard lock(mutex);
        endpoint.ports =
            ports.reserve(request.ports, {request.container_name, endpoint.id,
                                          endpoint.address.address, endpoint.address6.has_value()});
    };
    try {
        take_ports();
    } catch (const Error&) {
        finish_pending();  // as when a container restarts
        take_ports();
    }
    give_back.dismiss();
}

/// Where the firewall does not. That a port works for others is worth having without it.
void Networks::Impl::serve_own_host(const Endpoint& endpoint) {
    for (const auto& port : endpoint.ports) {
        if (os::redirects_own_connections(port.host_ip)) continue;
        try {
            Fd socket;
            {
                const std::lock_guard lock(mutex);
                socket = ports.socket_of(port);
            }
            if (socket) proxy.add(port, std::move(socket), target_of(endpoint, port));
        } catch (const Error& error) {
            log::warn("port {} is not served on this host itself: {}", port.host_port,
                      error.message());
        }
    }
}

void Networks::Impl::free_ports(const Endpoint& endpoint) {
    for (const auto& port : endpoint.ports) proxy.remove(port);
    const std::lock_guard lock(mutex);
    ports.release(endpoint.ports);
}

void Networks::Impl::free_address(const Endpoint& endpoint) {
    const std::lock_guard lock(mutex);
    addresses.release(endpoint.address.address);
}

void Networks::Impl::connect(const AttachRequest& request, Endpoint& endpoint) {
    // Whatever fails, what there is by then goes the way of removed endpoints.
    Defer undo([&] {
        stack->release(request.container_id);
        removals.add(endpoint);
    });
    auto spec = link_spec(endpoint);
    spec.jail = request.jail;
    spec.pid = request.pid;
    const auto link = stack->connect(spec);
    endpoint.link = link.name;
    endpoint.sandbox_path = link.sandbox_path;
    if (endpoint.ports.empty()) {
        firewall->refresh();
    } else {
        firewall->publish(forwards_of(endpoint));
        serve_own_host(endpoint);
    }
    records.write(endpoint);
    undo.dismiss();
}

void Networks::Impl::adopt(const Endpoint& endpoint, int pid) {
    {
        const std::lock_guard lock(mutex);
        addresses.take(endpoint.address.address);
        for (const auto& port : endpoint.ports) ports.adopt(port);
        endpoints.insert_or_assign(endpoint.container_id, endpoint);
        if (pid > 0) stack->hand_over(endpoint.container_id, pid);
    }
    serve_own_host(endpoint);
}

bool Networks::Impl::disconnect(const std::string& container_id) {
    Endpoint endpoint;
    {
        const std::lock_guard lock(mutex);
        const auto found = endpoints.find(container_id);
        if (found == endpoints.end()) return false;
        endpoint = std::move(found->second);
        endpoints.erase(found);
    }
    stack->release(container_id);
    records.remove(container_id);
    removals.add(std::move(endpoint));
    return true;
}

/// Links, and paths to sandboxes, that belong to no endpoint we know.
void Networks::Impl::remove_strays() {
    auto strays = stack->links();
    std::vector<std::string> sandboxes;
    for (const auto& entry : std::filesystem::directory_iterator(config.run_dir / "netns")) {
        sandboxes.push_back(entry.path().filename());
    }
    {
        const std::lock_guard lock(mutex);
        std::erase_if(sandboxes, [&](const auto& name) { return endpoints.contains(name); });
        for (const auto& [id, endpoint] : endpoints) std::erase(strays, endpoint.link);
    }
    if (!strays.empty())
        log::info("remove {} network links of containers that are gone", strays.size());
    stack->remove_links(strays);
    for (const auto& name : sandboxes) stack->release(name);
}

Networks::Networks(Config config) : impl_(std::make_unique<Impl>(std::move(config))) {}

Networks::~Networks() {
    impl_->worker.post([impl = impl_.get()] { impl->drop_stock(); });
    impl_->finish_pending();
    try {
        const std::lock_guard lock(impl_->mutex);
        if (impl_->endpoints.empty()) impl_->tear_down();
    } catch (const Error& error) {
        log::warn("removing the network: {}", error.message());
    }
}

void Networks::repair(const std::vector<LiveContainer>& live) {
    for (const auto& endpoint : impl_->records.load()) {
        const auto is_it = [&](const LiveContainer& container) {
            return container.id == endpoint.container_id;
        };
        const auto found = std::find_if(live.begin(), live.end(), is_it);
        try {
            if (found != live.end()) {
                impl_->adopt(endpoint, found->pid);
                continue;
            }
        } catch (const Error& error) {
            log::warn("network of container {}: {}", endpoint.container_id, error.message());
        }
        impl_->records.remove(endpoint.container_id);
    }
    impl_->remove_strays();
    impl_->refill();
}

void Networks::renew() {
    {
        const std::lock_guard ready_lock(impl_->ready_mutex);
        if (!std::exchange(impl_->ready, false)) return;
    }
    impl_->make_ready();
}

Endpoint Networks::attach(const AttachRequest& request) {
    check_container_id(request.container_id);
    if (request.network != "bridge" && request.network != "default") {
        throw Error(ErrorKind::not_found, "network {} not found", request.network);
    }
    impl_->make_ready();
    // A container that ended while nobody looked may still have its old endpoint.
    if (impl_->disconnect(request.container_id))
        log::debug("replace the endpoint of {}", request.container_id);

    Endpoint endpoint{.id = random_hex(32),
                      .container_id = request.container_id,
                      .container_name = request.container_name,
                      .network = "bridge",
                      .network_id = impl_->id_of("bridge"),
                      .gateway = impl_->config.gateway.address};
    impl_->reserve(request, endpoint);
    impl_->connect(request, endpoint);
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->endpoints.insert_or_assign(request.container_id, endpoint);
    }
    impl_->refill();
    return endpoint;
}

void Networks::started(const std::string& container_id, int pid) {
    if (find(container_id)) impl_->stack->hand_over(container_id, pid);
}

void Networks::detach(const std::string& container_id) { (void)impl_->disconnect(container_id); }

void Networks::rename(const std::string& container_id, const std::string& name) {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->endpoints.find(container_id);
    if (found == impl_->endpoints.end()) return;
    found->second.container_name = name;
    impl_->records.write(found->second);
}

std::optional<Endpoint> Networks::find(const std::string& container_id) const {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->endpoints.find(container_id);
    if (found == impl_->endpoints.end()) return std::nullopt;
    return found->second;
}

std::vector<NetworkInfo> Networks::list() const {
    return {impl_->describe("bridge"), impl_->describe("host"), impl_->describe("none")};
}

NetworkInfo Networks::inspect(const std::string& name_or_id) const {
    std::optional<NetworkInfo> match;
    for (auto& info : list()) {
        if (info.name == name_or_id || info.id == name_or_id) return info;
        if (name_or_id.empty() || !info.id.starts_with(name_or_id)) continue;
        if (match) throw Error(ErrorKind::invalid_argument, "network {} is ambiguous", name_or_id);
        match = std::move(info);
    }
    if (!match) throw Error(ErrorKind::not_found, "network {} not found", name_or_id);
    return *match;
}

/// Nothing of ours is left on the host, and what others made is.
void Networks::Impl::tear_down() {
    firewall->remove();
    if (::access(own_bridge().c_str(), F_OK) == 0) {
        stack->remove_bridge(config.bridge);
        ::unlink(own_bridge().c_str());
    }
}

void Networks::flush() { impl_->finish_pending(); }

void Networks::remove_all() {
    flush();
    std::vector<std::string> containers;
    {
        const std::lock_guard lock(impl_->mutex);
        for (const auto& [id, endpoint] : impl_->endpoints) containers.push_back(id);
    }
    for (const auto& id : containers) detach(id);
    flush();
    const std::lock_guard ready_lock(impl_->ready_mutex);
    impl_->drop_stock();
    impl_->stack->remove_links(impl_->stack->links());
    impl_->tear_down();
    impl_->ready = false;
}

bool precedes_create() { return os::network_precedes_sandbox(); }

}  // namespace brig::network
