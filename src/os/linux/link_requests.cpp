#include "os/linux/link_requests.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <unistd.h>

#include <array>

#include "base/error.h"

namespace brig::os::linux_net {
namespace {

ifinfomsg link_header(unsigned index = 0, unsigned flags = 0) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = flags;
    header.ifi_change = flags;
    return header;
}

void add_ip(NetlinkBatch& batch, std::uint16_t type, Ipv4Address address) {
    batch.attribute_u32(type, htonl(address.value()));
}
void add_ip(NetlinkBatch& batch, std::uint16_t type, const Ipv6Address& address) {
    batch.attribute(type, std::as_bytes(std::span(address.bytes())));
}

/// One queue is enough for a device that hands packets straight to its peer, and half the memory.
void one_queue(NetlinkBatch& batch, unsigned mtu) {
    batch.attribute_u32(IFLA_NUM_TX_QUEUES, 1);
    batch.attribute_u32(IFLA_NUM_RX_QUEUES, 1);
    if (mtu != 0) batch.attribute_u32(IFLA_MTU, mtu);
}

/// A bridge port is no host on the IPv6 network: without this, each one starts duplicate address
/// detection, which the bridge floods to all the others.
void no_ipv6_address(NetlinkBatch& batch) {
    static const bool have_ipv6 = ::access("/proc/sys/net/ipv6", F_OK) == 0;
    if (!have_ipv6) return;
    const auto spec = batch.open(IFLA_AF_SPEC);
    const auto family = batch.open(AF_INET6);
    batch.attribute_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    batch.close(family);
    batch.close(spec);
}

/// Where br_netfilter is loaded, a container's packet to its own published port is turned around
/// by the bridge itself, which would else not send it out by the port where it came in.
void allow_hairpin(NetlinkBatch& batch, const std::string& name) {
    batch.begin(RTM_NEWLINK, 0, link_header(), "set up the bridge port of " + name);
    batch.attribute_text(IFLA_IFNAME, name);
    const auto info = batch.open(IFLA_LINKINFO);
    batch.attribute_text(IFLA_INFO_SLAVE_KIND, "bridge");
    const auto data = batch.open(IFLA_INFO_SLAVE_DATA);
    batch.attribute_u8(IFLA_BRPORT_MODE, 1);
    batch.close(data);
    batch.close(info);
}

LinkInfo parse_link(const nlmsghdr& message) {
    LinkInfo link;
    link.index =
        static_cast<unsigned>(static_cast<const ifinfomsg*>(NLMSG_DATA(&message))->ifi_index);
    const auto text = [](std::span<const std::byte> value) {
        const std::string_view raw(reinterpret_cast<const char*>(value.data()), value.size());
        return std::string(raw.substr(0, raw.find('\0')));
    };
    for_each_attribute(
        message, sizeof(ifinfomsg), [&](std::uint16_t type, std::span<const std::byte> value) {
            if (type == IFLA_IFNAME) link.name = text(value);
            if (type != IFLA_LINKINFO) return;
            auto left = static_cast<unsigned>(value.size());
            for (const auto* at = reinterpret_cast<const rtattr*>(value.data()); RTA_OK(at, left);
                 at = RTA_NEXT(at, left)) {
                if (at->rta_type != IFLA_INFO_KIND) continue;
                link.kind = text({static_cast<const std::byte*>(RTA_DATA(at)), RTA_PAYLOAD(at)});
            }
        });
    return link;
}

}  // namespace

void add_veth(NetlinkBatch& batch, const VethRequest& request) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(),
                "create link " + request.name);
    batch.attribute_text(IFLA_IFNAME, request.name);
    one_queue(batch, request.mtu);
    const auto info = batch.open(IFLA_LINKINFO);
    batch.attribute_text(IFLA_INFO_KIND, "veth");
    const auto data = batch.open(IFLA_INFO_DATA);
    const auto peer = batch.open(VETH_INFO_PEER);
    const auto header = link_header();  // not up: veth refuses that until both ends exist
    batch.raw(std::as_bytes(std::span(&header, 1)));
    batch.attribute_text(IFLA_IFNAME, request.peer);
    batch.attribute_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(request.sandbox));
    one_queue(batch, request.mtu);
    batch.close(peer);
    batch.close(data);
    batch.close(info);

    batch.begin(RTM_SETLINK, 0, link_header(0, IFF_UP),
                fmt::format("connect link {} to bridge {}", request.name, request.bridge));
    batch.attribute_text(IFLA_IFNAME, request.name);
    batch.attribute_u32(IFLA_MASTER, request.bridge_index);
    no_ipv6_address(batch);
    allow_hairpin(batch, request.name);
}

void add_bridge(NetlinkBatch& batch, const BridgeSpec& bridge) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, link_header(),
                "create bridge " + bridge.name);
    batch.attribute_text(IFLA_IFNAME, bridge.name);
    // A bridge without an address of its own takes its lowest port's, and changes with it.
    const auto mac = MacAddress::for_address(bridge.gateway.address);
    batch.attribute(IFLA_ADDRESS, std::as_bytes(std::span(mac.bytes)));
    if (bridge.mtu != 0) batch.attribute_u32(IFLA_MTU, bridge.mtu);
    const auto info = batch.open(IFLA_LINKINFO);
    batch.attribute_text(IFLA_INFO_KIND, "bridge");
    const auto data = batch.open(IFLA_INFO_DATA);
    batch.attribute_u32(IFLA_BR_FORWARD_DELAY, 0);
    batch.close(data);
    batch.close(info);
}

void set_up(NetlinkBatch& batch, unsigned index, const std::string& name) {
    batch.begin(RTM_SETLINK, 0, link_header(index, IFF_UP), "bring up " + name);
}

void set_mac(NetlinkBatch& batch, unsigned index, const MacAddress& mac) {
    batch.begin(RTM_SETLINK, 0, link_header(index), "set the hardware address " + mac.str());
    batch.attribute(IFLA_ADDRESS, std::as_bytes(std::span(mac.bytes)));
}

void add_address(NetlinkBatch& batch, unsigned index, const Ipv4Interface& address) {
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
    header.ifa_index = index;
    batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header, "add address " + address.str());
    add_ip(batch, IFA_LOCAL, address.address);
    add_ip(batch, IFA_ADDRESS, address.address);
    add_ip(batch, IFA_BROADCAST, address.broadcast());
}

void add_address(NetlinkBatch& batch, unsigned index, const Ipv6Interface& address) {
    ifaddrmsg header{};
    header.ifa_family = AF_INET6;
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
    header.ifa_flags = IFA_F_NODAD;
    header.ifa_index = index;
    batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header, "add address " + address.str());
    add_ip(batch, IFA_ADDRESS, address.address);
}

void add_default_route(NetlinkBatch& batch, unsigned index, const IpAddress& gateway) {
    rtmsg header{};
    header.rtm_family = is_ipv6(gateway) ? AF_INET6 : AF_INET;
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_BOOT;
    header.rtm_scope = RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header,
                "add default route by " + to_string(gateway));
    std::visit([&](const auto& address) { add_ip(batch, RTA_GATEWAY, address); }, gateway);
    batch.attribute_u32(RTA_OIF, index);
}

void move_link(NetlinkBatch& batch, unsigned index, const LinkMove& move) {
    batch.begin(RTM_SETLINK, 0, link_header(index),
                fmt::format("move interface {} to the container as {}", move.name, move.new_name));
    batch.attribute_u32(IFLA_NET_NS_PID, static_cast<std::uint32_t>(move.process));
    batch.attribute_text(IFLA_IFNAME, move.new_name);
}

void delete_link(NetlinkBatch& batch, const std::string& name) {
    batch.begin(RTM_DELLINK, 0, link_header(), "delete link " + name);
    batch.attribute_text(IFLA_IFNAME, name);
}

LinkInfo find_link(NetlinkSocket& socket, const std::string& name) {
    NetlinkBatch batch;
    batch.begin(RTM_GETLINK, 0, link_header(), "look up link " + name);
    batch.attribute_text(IFLA_IFNAME, name);
    LinkInfo found;
    try {
        socket.query(std::move(batch),
                     [&](const nlmsghdr& message) { found = parse_link(message); });
    } catch (const SysError& error) {
        if (error.error_number() != ENODEV) throw;
    }
    return found;
}

std::vector<LinkInfo> all_links(NetlinkSocket& socket) {
    NetlinkBatch batch;
    batch.begin(RTM_GETLINK, NLM_F_DUMP, link_header(), "list links");
    std::vector<LinkInfo> links;
    socket.query(std::move(batch), [&](const nlmsghdr& message) {
        if (message.nlmsg_type == RTM_NEWLINK) links.push_back(parse_link(message));
    });
    return links;
}

}  // namespace brig::os::linux_net
