// The rtnetlink requests that make up a container's link, each appended to a batch.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/linux/netlink.h"
#include "os/net_address.h"
#include "os/net_stack.h"

namespace brig::os::linux_net {

struct VethRequest {
    std::string name;  ///< of the host's end, to be a port of `bridge`
    std::string bridge;
    unsigned bridge_index = 0;
    int sandbox = -1;  ///< descriptor of the namespace where the other end is made
    std::string peer;  ///< its name there
    unsigned mtu = 0;
};
/// The host's end is up afterwards.
void add_veth(NetlinkBatch& batch, const VethRequest& request);

void add_bridge(NetlinkBatch& batch, const BridgeSpec& bridge);
void set_up(NetlinkBatch& batch, unsigned index, const std::string& name);
void set_mac(NetlinkBatch& batch, unsigned index, const MacAddress& mac);
void add_address(NetlinkBatch& batch, unsigned index, const Ipv4Interface& address);
/// Usable at once: without duplicate address detection.
void add_address(NetlinkBatch& batch, unsigned index, const Ipv6Interface& address);
void add_default_route(NetlinkBatch& batch, unsigned index, const IpAddress& gateway);
struct LinkMove {
    std::string name;
    pid_t process = 0;  ///< whose network namespace it goes to
    std::string new_name;
};
/// It is down afterwards and has no addresses.
void move_link(NetlinkBatch& batch, unsigned index, const LinkMove& move);
void delete_link(NetlinkBatch& batch, const std::string& name);

struct LinkInfo {
    unsigned index = 0;
    std::string name;
    std::string kind;  ///< "bridge", "veth", …; empty for hardware
};
/// Index 0 when there is none of that name.
LinkInfo find_link(NetlinkSocket& socket, const std::string& name);
std::vector<LinkInfo> all_links(NetlinkSocket& socket);

}  // namespace brig::os::linux_net
