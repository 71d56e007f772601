// NetStack with if_bridge and epair. The gateway's address is on the bridge: a member with an
// address of its own is refused by newer kernels. When a jail ends, its end of the epair comes
// back to the host, so links are removed by name; destroying one end destroys both.
#include "os/net_stack.h"

#include <ifaddrs.h>
#include <sys/param.h>
#include <sys/linker.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <net/if.h>
#include <netinet/in.h>

#include <cerrno>
#include <memory>
#include <mutex>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "os/freebsd/interface_requests.h"
#include "os/freebsd/jail.h"
#include "os/freebsd/jail_sockets.h"

namespace brig::os {
namespace {

using namespace freebsd_net;

void load_module(const char* name) {
    if (::kldload(name) < 0 && errno != EEXIST) {
        log::debug("{}", SysError("load kernel module {}", name).message());  // it may be built in
    }
}

void enable_forwarding(const char* name) {
    int value = 0;
    std::size_t size = sizeof(value);
    if (::sysctlbyname(name, &value, &size, nullptr, 0) != 0) throw SysError("read {}", name);
    if (value != 0) return;
    value = 1;
    if (::sysctlbyname(name, nullptr, nullptr, &value, sizeof(value)) != 0)
        throw SysError("set {}", name);
    log::info("enabled forwarding on this host ({} was 0)", name);
}

/// The kernel adds an address that is there by taking it away first, and what comes meanwhile is
/// lost.
bool has_address(const std::string& interface, const Ipv4Interface& wanted) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) throw SysError("list the addresses of this host");
    const Defer release([&] { ::freeifaddrs(first); });
    const auto value = [](const sockaddr* address) {
        return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    };
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_name != interface || at->ifa_addr == nullptr || at->ifa_netmask == nullptr ||
            at->ifa_addr->sa_family != AF_INET)
            continue;
        if (value(at->ifa_addr) == wanted.address.value() &&
            value(at->ifa_netmask) == wanted.mask())
            return true;
    }
    return false;
}

class FreebsdNetStack final : public NetStack {
public:
    explicit FreebsdNetStack(NetStackConfig config)
        : config_(std::move(config)), host_(interface_socket()) {
        check_interface_name(config_.link_prefix + "00000000");
        make_directories(config_.run_dir, 0711);
    }

    void ensure_bridge(const BridgeSpec& bridge) override;
    void remove_bridge(const std::string& name) override { destroy_interface(host_.get(), name); }
    /// An epair is made in no time; what takes it is the jail.
    bool stock(const LinkSpec&) override { return false; }
    void drop_stock() override {}
    Link connect(const LinkSpec& spec) override;
    void hand_over(const std::string&, int) override {}
    void release(const std::string&) override {}
    Fd bare_sandbox() override { return {}; }
    std::vector<std::string> links() override;
    void remove_links(const std::vector<std::string>& names) override;

private:
    void connect_inside(const LinkSpec& spec, const std::string& peer);

    const NetStackConfig config_;
    const Fd host_;
    std::mutex bridge_mutex_;
};

void FreebsdNetStack::ensure_bridge(const BridgeSpec& bridge) {
    check_interface_name(bridge.name);
    const std::lock_guard lock(bridge_mutex_);
    load_module("if_bridge");
    load_module("if_epair");
    if (::if_nametoindex(bridge.name.c_str()) == 0) {
        const auto made = create_interface(host_.get(), "bridge");
        Defer undo([&] {
            try {
                destroy_interface(host_.get(), made);
            } catch (const Error& error) {
                log::warn("{}", error.message());
            }
        });
        set_mac(host_.get(), made, MacAddress::for_address(bridge.gateway.address));
        rename_interface(host_.get(), made, bridge.name);
        undo.dismiss();
    } else if (!is_bridge(host_.get(), bridge.name)) {
        throw Error(ErrorKind::conflict, "network interface {} exists and is not a bridge",
                    bridge.name);
    }
    if (bridge.mtu != 0) set_mtu(host_.get(), bridge.name, bridge.mtu);
    if (!has_address(bridge.name, bridge.gateway))
        add_address(host_.get(), bridge.name, bridge.gateway);
    set_up(host_.get(), bridge.name);
    enable_forwarding("net.inet.ip.forwarding");
    if (!bridge.gateway6) return;
    add_address(interface_socket6().get(), bridge.name, *bridge.gateway6);
    enable_forwarding("net.inet6.ip6.forwarding");
}

Link FreebsdNetStack::connect(const LinkSpec& spec) {
    const auto made = create_interface(host_.get(), "epair");
    auto host_end = made;
    Defer undo([&] { remove_links({host_end}); });
    const auto peer = made.substr(0, made.size() - 1) + "b";
    const auto name = config_.link_prefix + random_hex(4);
    rename_interface(host_.get(), made, name);
    host_end = name;
    if (spec.mtu != 0) {
        set_mtu(host_.get(), name, spec.mtu);
        set_mtu(host_.get(), peer, spec.mtu);
    }
    add_bridge_member(host_.get(), spec.bridge, name);
    set_up(host_.get(), name);
    set_mac(host_.get(), peer, spec.mac);
    connect_inside(spec, peer);
    undo.dismiss();
    return {name, {}};
}

void FreebsdNetStack::connect_inside(const LinkSpec& spec, const std::string& peer) {
    const auto jail = find_jail(jail_name(spec.jail));
    if (!jail)
        throw Error(ErrorKind::not_found, "there is no jail of container {} to connect", spec.jail);
    move_to_jail(host_.get(), peer, *jail);
    const auto inside = sockets_in_jail(*jail, spec.address6.has_value());
    const auto socket = inside.interfaces.get();
    // A new VNET's loopback is down and has no address.
    add_address(socket, "lo0", {Ipv4Address(0x7f000001), 8});
    set_up(socket, "lo0");
    // The name stays epairNb: when the jail ends, it comes back to the host and must be nobody
    // else's.
    add_address(socket, peer, spec.address);
    set_up(socket, peer);
    add_default_route(inside.routes.get(), spec.gateway);
    if (!spec.address6) return;
    add_address(inside.interfaces6.get(), "lo0", Ipv6Interface::parse("::1/128"));
    add_address(inside.interfaces6.get(), peer, *spec.address6);
    add_default_route(inside.routes.get(), spec.gateway6);
}

std::vector<std::string> FreebsdNetStack::links() {
    const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> list(
        ::if_nameindex(), ::if_freenameindex);
    if (!list) throw SysError("list network interfaces");
    std::vector<std::string> names;
    for (const auto* at = list.get(); at->if_index != 0; ++at) {
        const std::string name(at->if_name);
        if (name.starts_with(config_.link_prefix)) names.push_back(name);
    }
    return names;
}

void FreebsdNetStack::remove_links(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        try {
            destroy_interface(host_.get(), name);
        } catch (const Error& error) {
            log::warn("{}", error.message());
        }
    }
}

}  // namespace

std::unique_ptr<NetStack> make_net_stack(NetStackConfig config) {
    return std::make_unique<FreebsdNetStack>(std::move(config));
}

bool network_precedes_sandbox() { return false; }

}  // namespace brig::os
