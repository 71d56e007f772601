#include "os/freebsd/interface_requests.h"

#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sockio.h>

#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_bridgevar.h>
#include <net/route.h>
#include <netinet/in.h>
#include <netinet/in_var.h>

// What nd6.h takes from in6_var.h, where it is declared inside a structure: visible in C alone.
struct prf_ra {
    unsigned char bits;
};
// clang-format off: after that
#include <netinet6/nd6.h>
// clang-format on
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "os/net_stack.h"

namespace brig::os::freebsd_net {
namespace {

template <std::size_t Size>
void copy_name(char (&field)[Size], const std::string& name) {
    check_interface_name(name);
    std::memcpy(field, name.data(), name.size());  // the structure was zeroed
}

ifreq request_for(const std::string& name) {
    ifreq request{};
    copy_name(request.ifr_name, name);
    return request;
}

sockaddr_in socket_address(std::uint32_t address) {
    sockaddr_in result{};
    result.sin_len = sizeof(result);
    result.sin_family = AF_INET;
    result.sin_addr.s_addr = htonl(address);
    return result;
}

sockaddr_in6 socket_address(const Ipv6Address& address) {
    sockaddr_in6 result{};
    result.sin6_len = sizeof(result);
    result.sin6_family = AF_INET6;
    std::memcpy(&result.sin6_addr, address.bytes().data(), address.bytes().size());
    return result;
}

Fd datagram_socket(int family) {
    Fd socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("open a socket for network interfaces");
    return socket;
}

/// RFC 4862's check for another owner of an address would keep it from use for a second.
void skip_duplicate_detection(int socket6, const std::string& name) {
    in6_ndireq request{};
    copy_name(request.ifname, name);
    if (::ioctl(socket6, SIOCGIFINFO_IN6, &request) != 0)
        throw SysError("read the IPv6 flags of {}", name);
    request.ndi.flags |= ND6_IFF_NO_DAD;
    if (::ioctl(socket6, SIOCSIFINFO_FLAGS, &request) != 0)
        throw SysError("set the IPv6 flags of {}", name);
}

template <typename Address>
void route_by(int route_socket, const Address& gateway, const Address& any) {
    // The kernel looks for each address at a multiple of a long's size (route(4)).
    struct {
        rt_msghdr header;
        alignas(long) Address destination;
        alignas(long) Address gateway;
        alignas(long) Address mask;
    } message{};
    message.header.rtm_msglen = sizeof(message);
    message.header.rtm_version = RTM_VERSION;
    message.header.rtm_type = RTM_ADD;
    message.header.rtm_flags = RTF_UP | RTF_GATEWAY | RTF_STATIC;
    message.header.rtm_addrs = RTA_DST | RTA_GATEWAY | RTA_NETMASK;
    message.header.rtm_seq = 1;
    message.destination = any;
    message.gateway = gateway;
    message.mask = any;
    if (::write(route_socket, &message, sizeof(message)) < 0) throw SysError("add default route");
}

template <typename Argument>
int driver_request(int socket, unsigned long direction, const std::string& bridge,
                   unsigned long command, Argument& argument) {
    ifdrv request{};
    copy_name(request.ifd_name, bridge);
    request.ifd_cmd = command;
    request.ifd_len = sizeof(argument);
    request.ifd_data = &argument;
    return ::ioctl(socket, direction, &request);
}

}  // namespace

Fd interface_socket() { return datagram_socket(AF_INET); }
Fd interface_socket6() { return datagram_socket(AF_INET6); }

Fd route_socket() {
    Fd socket(::socket(PF_ROUTE, SOCK_RAW | SOCK_CLOEXEC, AF_INET));
    if (!socket) throw SysError("open a routing socket");
    return socket;
}

std::string create_interface(int socket, const std::string& kind) {
    auto request = request_for(kind);
    if (::ioctl(socket, SIOCIFCREATE2, &request) != 0)
        throw SysError("create a network interface of kind {}", kind);
    return request.ifr_name;
}

void destroy_interface(int socket, const std::string& name) {
    auto request = request_for(name);
    if (::ioctl(socket, SIOCIFDESTROY, &request) != 0 && errno != ENXIO)
        throw SysError("destroy interface {}", name);
}

void rename_interface(int socket, const std::string& name, const std::string& new_name) {
    auto request = request_for(name);
    std::string target = new_name;
    check_interface_name(target);
    request.ifr_data = target.data();
    if (::ioctl(socket, SIOCSIFNAME, &request) != 0)
        throw SysError("rename interface {} to {}", name, new_name);
}

void set_up(int socket, const std::string& name) {
    auto request = request_for(name);
    if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) throw SysError("read the flags of {}", name);
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) throw SysError("bring up {}", name);
}

void set_mtu(int socket, const std::string& name, unsigned mtu) {
    auto request = request_for(name);
    request.ifr_mtu = static_cast<int>(mtu);
    if (::ioctl(socket, SIOCSIFMTU, &request) != 0)
        throw SysError("set the MTU of {} to {}", name, mtu);
}

void set_mac(int socket, const std::string& name, const MacAddress& mac) {
    auto request = request_for(name);
    request.ifr_addr.sa_family = AF_LINK;
    request.ifr_addr.sa_len = ETHER_ADDR_LEN;
    std::memcpy(request.ifr_addr.sa_data, mac.bytes.data(), mac.bytes.size());
    if (::ioctl(socket, SIOCSIFLLADDR, &request) != 0)
        throw SysError("set the hardware address of {} to {}", name, mac.str());
}

void add_address(int socket, const std::string& name, const Ipv4Interface& address) {
    in_aliasreq request{};  // zeroed: ifra_vhid must be
    copy_name(request.ifra_name, name);
    request.ifra_addr = socket_address(address.address.value());
    request.ifra_broadaddr = socket_address(address.broadcast().value());
    request.ifra_mask = socket_address(address.mask());
    if (::ioctl(socket, SIOCAIFADDR, &request) != 0)
        throw SysError("add address {} to {}", address.str(), name);
}

void add_address(int socket6, const std::string& name, const Ipv6Interface& address) {
    skip_duplicate_detection(socket6, name);
    in6_aliasreq request{};
    copy_name(request.ifra_name, name);
    request.ifra_addr = socket_address(address.address);
    Ipv6Address::Bytes ones;
    ones.fill(0xff);
    request.ifra_prefixmask =
        socket_address(Ipv6Interface{Ipv6Address(ones), address.prefix}.network().address);
    request.ifra_flags = IN6_IFF_NODAD;
    request.ifra_lifetime.ia6t_vltime = ND6_INFINITE_LIFETIME;
    request.ifra_lifetime.ia6t_pltime = ND6_INFINITE_LIFETIME;
    if (::ioctl(socket6, SIOCAIFADDR_IN6, &request) != 0)
        throw SysError("add address {} to {}", address.str(), name);
}

void remove_address(int socket, const std::string& name, const Ipv4Interface& address) {
    auto request = request_for(name);
    const auto wanted = socket_address(address.address.value());
    std::memcpy(&request.ifr_addr, &wanted, sizeof(wanted));
    if (::ioctl(socket, SIOCDIFADDR, &request) != 0 && errno != EADDRNOTAVAIL && errno != ENXIO)
        throw SysError("remove address {} from {}", address.str(), name);
}

void remove_address(int socket6, const std::string& name, const Ipv6Interface& address) {
    in6_ifreq request{};
    copy_name(request.ifr_name, name);
    request.ifr_addr = socket_address(address.address);
    if (::ioctl(socket6, SIOCDIFADDR_IN6, &request) != 0 && errno != EADDRNOTAVAIL &&
        errno != ENXIO)
        throw SysError("remove address {} from {}", address.str(), name);
}

void add_bridge_member(int socket, const std::string& bridge, const std::string& member) {
    ifbreq request{};
    copy_name(request.ifbr_ifsname, member);
    if (driver_request(socket, SIOCSDRVSPEC, bridge, BRDGADD, request) != 0) {
        throw SysError("connect {} to bridge {}", member, bridge);
    }
}

bool is_bridge(int socket, const std::string& name) {
    ifbrparam parameter{};
    return driver_request(socket, SIOCGDRVSPEC, name, BRDGGCACHE, parameter) == 0;
}

void move_to_jail(int socket, const std::string& name, int jail) {
    auto request = request_for(name);
    request.ifr_jid = jail;
    if (::ioctl(socket, SIOCSIFVNET, &request) != 0) {
        if (errno == ENXIO)
            throw SysError("move {} into jail {}, which must have a VNET", name, jail);
        throw SysError("move {} into jail {}", name, jail);
    }
}

void add_default_route(int route_socket, Ipv4Address gateway) {
    route_by(route_socket, socket_address(gateway.value()), socket_address(0));
}

void add_default_route(int route_socket, const Ipv6Address& gateway) {
    route_by(route_socket, socket_address(gateway), socket_address(Ipv6Address()));
}

}  // namespace brig::os::freebsd_net
