// NetStack over rtnetlink. A container's namespace lives as long as somebody holds it: we by a
// descriptor until the container's process does. So a killed engine leaves no namespace behind,
// and there is no mount per container.
#include "os/net_stack.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "os/linux/link_requests.h"
#include "os/linux/net_namespace.h"

namespace brig::os {
namespace {

using namespace linux_net;

/// A namespace with its link, address and route. With the only handle to it gone, the namespace
/// goes, and the link with it.
struct ReadyLink {
    NetNamespace sandbox;
    std::string name;  ///< of the host's end
    LinkSpec spec;
};

bool same_link(const LinkSpec& one, const LinkSpec& other) {
    return one.bridge == other.bridge && one.address == other.address &&
           one.gateway == other.gateway && one.address6 == other.address6 &&
           one.gateway6 == other.gateway6 && one.mac == other.mac && one.mtu == other.mtu;
}

void write_sysctl(const std::string& name, std::string_view value) {
    write_all(open_file("/proc/sys/net/" + name, O_WRONLY).get(), value);
}

void try_sysctl(const std::string& name, std::string_view value) {
    try {
        write_sysctl(name, value);
    } catch (const SysError& error) {
        if (error.kind() != ErrorKind::not_found) log::warn("{}", error.message());
    }
}

void enable_forwarding(bool ipv6) {
    const auto enable = [](const std::string& name, std::string_view note) {
        if (trim(read_file("/proc/sys/net/" + name)) == "1") return;
        write_sysctl(name, "1");
        log::info("enabled forwarding on this host (net/{} was 0){}", name, note);
    };
    enable("ipv4/ip_forward", "");
    if (ipv6)
        enable("ipv6/conf/all/forwarding",
               "; interfaces that learn their IPv6 routes need accept_ra=2 from now on");
}

void configure_bridge_sysctls(const BridgeSpec& bridge) {
    // Lets 127.0.0.1:PORT of the host reach a container; the firewall drops what others send there.
    write_sysctl("ipv4/conf/" + bridge.name + "/route_localnet", "1");
    // CVE-2020-13401: a container must not become the host's IPv6 router.
    try_sysctl("ipv6/conf/" + bridge.name + "/accept_ra", "0");
    try_sysctl("ipv6/conf/" + bridge.name + "/disable_ipv6", bridge.gateway6 ? "0" : "1");
}

class LinuxNetStack final : public NetStack {
public:
    explicit LinuxNetStack(NetStackConfig config)
        : config_(std::move(config)), host_(NetlinkSocket::open()) {
        check_interface_name(config_.link_prefix + "00000000");
        make_directories(config_.run_dir, 0711);
    }

    void ensure_bridge(const BridgeSpec& bridge) override;
    void remove_bridge(const std::string& name) override;
    bool stock(const LinkSpec& spec) override;
    void drop_stock() override;
    Link connect(const LinkSpec& spec) override;
    void hand_over(const std::string& container_id, int pid) override;
    void release(const std::string& container_id) override;
    Fd bare_sandbox() override { return make_net_namespace().handle; }
    std::vector<std::string> links() override;
    void remove_links(const std::vector<std::string>& names) override;

private:
    unsigned bridge_index(const std::string& name);
    ReadyLink make_link(const LinkSpec& spec);
    std::optional<ReadyLink> take_stock(const LinkSpec& spec);
    std::filesystem::path sandbox_path(const std::string& container_id) const;
    void point_sandbox(const std::string& container_id, const std::string& target);

    const NetStackConfig config_;
    std::mutex host_mutex_;
    NetlinkSocket host_;  ///< in the host's namespace; under host_mutex_
    std::mutex mutex_;    ///< of what follows; never held over a system call that takes time
    std::vector<ReadyLink> stock_;
    std::map<std::string, Fd> held_;  ///< namespaces by container, until hand_over
    std::map<std::string, unsigned> bridges_;
};

void LinuxNetStack::ensure_bridge(const BridgeSpec& bridge) {
    check_interface_name(bridge.name);
    const std::lock_guard lock(host_mutex_);
    auto found = find_link(host_, bridge.name);
    if (found.index == 0) {
        NetlinkBatch batch;
        add_bridge(batch, bridge);
        host_.run(std::move(batch));
        found = find_link(host_, bridge.name);
    } else if (found.kind != "bridge") {
        throw Error(ErrorKind::conflict, "network interface {} exists and is not a bridge",
                    bridge.name);
    }
    configure_bridge_sysctls(bridge);
    NetlinkBatch batch;
    add_address(batch, found.index, bridge.gateway);
    if (bridge.gateway6) add_address(batch, found.index, *bridge.gateway6);
    set_up(batch, found.index, bridge.name);
    host_.run(std::move(batch));
    enable_forwarding(bridge.gateway6.has_value());
    const std::lock_guard inner(mutex_);
    bridges_[bridge.name] = found.index;
}

void LinuxNetStack::remove_bridge(const std::string& name) {
    check_interface_name(name);
    NetlinkBatch batch;
    delete_link(batch, name);
    const std::lock_guard lock(host_mutex_);
    host_.run_tolerant(std::move(batch));
    const std::lock_guard inner(mutex_);
    bridges_.erase(name);
}

unsigned LinuxNetStack::bridge_index(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto known = bridges_.find(name);
    if (known == bridges_.end())
        throw Error(ErrorKind::failed_precondition, "there is no bridge {}", name);
    return known->second;
}

ReadyLink LinuxNetStack::make_link(const LinkSpec& spec) {
    const bool ipv6 = spec.address6.has_value();
    ReadyLink link{spec.pid > 0 ? adopt_net_namespace(spec.pid, ipv6) : make_net_namespace(ipv6),
                   config_.link_prefix + random_hex(4), spec};
    NetlinkBatch outside;
    add_veth(outside, {.name = link.name,
                       .bridge = spec.bridge,
                       .bridge_index = bridge_index(spec.bridge),
                       .sandbox = link.sandbox.handle.get(),
                       .peer = "eth0",
                       .mtu = spec.mtu});
    {
        const std::lock_guard lock(host_mutex_);
        host_.run(std::move(outside));
    }
    auto& socket = link.sandbox.socket;
    const auto index = find_link(socket, "eth0").index;
    NetlinkBatch inside;
    set_mac(inside, index, spec.mac);
    set_up(inside, index, "eth0");
    add_address(inside, index, spec.address);
    add_default_route(inside, index, spec.gateway);
    if (spec.address6) {
        add_address(inside, index, *spec.address6);
        add_default_route(inside, index, spec.gateway6);
    }
    socket.run(std::move(inside));
    return link;
}

bool LinuxNetStack::stock(const LinkSpec& spec) {
    auto link = make_link(spec);
    const std::lock_guard lock(mutex_);
    stock_.push_back(std::move(link));
    return true;
}

void LinuxNetStack::drop_stock() {
    std::vector<ReadyLink> dropped;
    {
        const std::lock_guard lock(mutex_);
        stock_.swap(dropped);
    }
    std::vector<std::string> names;
    for (const auto& link : dropped) names.push_back(link.name);
    remove_links(names);
}

std::optional<ReadyLink> LinuxNetStack::take_stock(const LinkSpec& spec) {
    const std::lock_guard lock(mutex_);
    const auto fits = [&](const ReadyLink& link) { return same_link(link.spec, spec); };
    const auto found = std::find_if(stock_.begin(), stock_.end(), fits);
    if (found == stock_.end()) return std::nullopt;
    auto link = std::move(*found);
    stock_.erase(found);
    return link;
}

std::filesystem::path LinuxNetStack::sandbox_path(const std::string& container_id) const {
    // Identifiers are checked where they enter; this is the last place where one becomes a path.
    const auto harmless = [](char c) { return c != '/' && c != '\0'; };
    if (container_id.empty() || container_id[0] == '.' ||
        !std::all_of(container_id.begin(), container_id.end(), harmless)) {
        throw Error(ErrorKind::invalid_argument, "{} is not a container identifier", container_id);
    }
    return config_.run_dir / container_id;
}

void LinuxNetStack::point_sandbox(const std::string& container_id, const std::string& target) {
    const auto path = sandbox_path(container_id);
    const auto temporary = path.native() + ".new";
    (void)::unlink(temporary.c_str());
    if (::symlink(target.c_str(), temporary.c_str()) != 0)
        throw SysError("link {} to {}", temporary, target);
    if (::rename(temporary.c_str(), path.c_str()) != 0)
        throw SysError("rename {} to {}", temporary, path.native());
}

Link LinuxNetStack::connect(const LinkSpec& spec) {
    const auto path = sandbox_path(spec.container_id);
    auto stocked = spec.pid > 0 ? std::nullopt : take_stock(spec);
    auto link = stocked ? std::move(*stocked) : make_link(spec);
    point_sandbox(spec.container_id,
                  fmt::format("/proc/{}/fd/{}", ::getpid(), link.sandbox.handle.get()));
    const std::lock_guard lock(mutex_);
    held_.insert_or_assign(spec.container_id, std::move(link.sandbox.handle));
    return {link.name, path};
}

void LinuxNetStack::hand_over(const std::string& container_id, int pid) {
    point_sandbox(container_id, fmt::format("/proc/{}/ns/net", pid));
    const std::lock_guard lock(mutex_);
    held_.erase(container_id);
}

void LinuxNetStack::release(const std::string& container_id) {
    const auto path = sandbox_path(container_id);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        log::warn("{}", SysError("remove {}", path.native()).message());
    const std::lock_guard lock(mutex_);
    held_.erase(container_id);
}

std::vector<std::string> LinuxNetStack::links() {
    std::vector<std::string> names;
    {
        const std::lock_guard lock(host_mutex_);
        for (auto& link : all_links(host_)) {
            if (link.kind == "veth" && link.name.starts_with(config_.link_prefix))
                names.push_back(std::move(link.name));
        }
    }
    const std::lock_guard lock(mutex_);
    std::erase_if(names, [&](const auto& name) {
        return std::any_of(stock_.begin(), stock_.end(),
                           [&](const auto& link) { return link.name == name; });
    });
    return names;
}

void LinuxNetStack::remove_links(const std::vector<std::string>& names) {
    // A few at a time, so that nobody waits long for the kernel's lock or ours.
    for (std::size_t at = 0; at < names.size(); at += 8) {
        NetlinkBatch batch;
        for (auto i = at; i < std::min(at + 8, names.size()); ++i) delete_link(batch, names[i]);
        const std::lock_guard lock(host_mutex_);
        host_.run_tolerant(std::move(batch));
    }
}

}  // namespace

std::unique_ptr<NetStack> make_net_stack(NetStackConfig config) {
    return std::make_unique<LinuxNetStack>(std::move(config));
}

bool network_precedes_sandbox() { return true; }

}  // namespace brig::os
