// See net_devices.h; config-linux.md, "Network Devices".
#include "os/linux/net_devices.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "os/linux/link_requests.h"

namespace brig::os {
namespace {

using namespace linux_net;

/// The kernel makes a name of it: "eth%d".
bool is_template(const std::string& name) { return name.ends_with("%d"); }

void check_name(const std::string& name, bool may_be_template) {
    const std::string plain =
        may_be_template && is_template(name) ? name.substr(0, name.size() - 2) : name;
    const bool odd = plain.find_first_of("/:% \t\n\v\f\r") != std::string::npos;
    if (odd || name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") {
        throw Error(ErrorKind::invalid_argument, "linux.netDevices: invalid interface name {:?}",
                    name);
    }
}

/// The one that is called `name`, or the one that was not there before.
LinkInfo moved_link(NetlinkSocket& socket, const std::string& name,
                    const std::vector<LinkInfo>& before) {
    if (!is_template(name)) return find_link(socket, name);
    for (const LinkInfo& link : all_links(socket)) {
        if (std::ranges::none_of(before, [&](const auto& b) { return b.index == link.index; }))
            return link;
    }
    return {};
}

}  // namespace

NetDevices::NetDevices(const std::map<std::string, std::string>& names) {
    if (names.empty()) return;
    auto socket = NetlinkSocket::open();
    for (const auto& [host_name, name] : names) {
        check_name(host_name, false);
        check_name(name, true);
        const LinkInfo link = find_link(socket, host_name);
        if (link.index == 0)
            throw Error(ErrorKind::not_found, "linux.netDevices: there is no interface {}",
                        host_name);
        devices_.push_back({host_name, name, link.index, addresses_of(socket, link.index)});
    }
}

/// Those that are kept: permanent and of global scope.
std::vector<NetDevices::Address> NetDevices::addresses_of(NetlinkSocket& socket, unsigned index) {
    std::vector<Address> out;
    NetlinkBatch batch;
    batch.begin(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}, "list addresses");
    socket.query(std::move(batch), [&](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWADDR) return;
        const auto* header = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
        if (header->ifa_index != index || header->ifa_scope != RT_SCOPE_UNIVERSE) return;
        Address address{header->ifa_family, header->ifa_prefixlen, header->ifa_flags, {}};
        for_each_attribute(message, sizeof(ifaddrmsg), [&](std::uint16_t type, auto value) {
            if (type == IFA_FLAGS && value.size() == sizeof address.flags) {
                std::memcpy(&address.flags, value.data(), sizeof address.flags);
            } else if (type == IFA_LOCAL || type == IFA_ADDRESS || type == IFA_BROADCAST ||
                       type == IFA_RT_PRIORITY) {
                address.attributes.emplace_back(type,
                                                std::vector<std::byte>(value.begin(), value.end()));
            }
        });
        if ((address.flags & IFA_F_PERMANENT) != 0) out.push_back(std::move(address));
    });
    return out;
}

void NetDevices::take_one(const Device& device, const ChildReport& report) {
    auto socket = NetlinkSocket::open();
    std::vector<LinkInfo> before;
    if (is_template(device.name)) {
        before = all_links(socket);
    } else if (find_link(socket, device.name).index != 0) {
        throw Error(ErrorKind::already_exists,
                    "linux.netDevices: the container's network has an interface {} already",
                    device.name);
    }
    report.rendezvous();
    const LinkInfo link = moved_link(socket, device.name, before);
    if (link.index == 0) {
        throw Error(ErrorKind::internal, "linux.netDevices: interface {} did not arrive",
                    device.host_name);
    }
    NetlinkBatch batch;
    for (const Address& address : device.addresses) {
        constexpr std::uint32_t settable = IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR |
                                           IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
        ifaddrmsg header{};
        header.ifa_family = address.family;
        header.ifa_prefixlen = address.prefix;
        header.ifa_index = link.index;
        batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, header,
                    "give interface " + link.name + " back its address");
        for (const auto& [type, value] : address.attributes) batch.attribute(type, value);
        batch.attribute_u32(IFA_FLAGS, address.flags & settable);
    }
    set_up(batch, link.index, link.name);
    socket.run(std::move(batch));
}

void NetDevices::take(const ChildReport& report) const {
    for (const Device& device : devices_) take_one(device, report);
}

void NetDevices::give(const ChildReport& report, pid_t child) const {
    for (const Device& device : devices_) {
        (void)report.receive();
        auto socket = NetlinkSocket::open();
        NetlinkBatch batch;
        move_link(batch, device.index,
                  {.name = device.host_name, .process = child, .new_name = device.name});
        socket.run(std::move(batch));
        report.proceed();
    }
}

}  // namespace brig::os
