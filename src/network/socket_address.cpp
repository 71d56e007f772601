#include "network/socket_address.h"

#include <netinet/in.h>

#include <cstring>

#include "base/error.h"

namespace brig::network {
namespace {

template <typename Address>
const Address& as(const SocketAddress& address) {
    return reinterpret_cast<const Address&>(address.storage);
}

sockaddr_in in_family(os::Ipv4Address ip) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(ip.value());
    return address;
}

sockaddr_in6 in_family(const os::Ipv6Address& ip) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, ip.bytes().data(), ip.bytes().size());
    return address;
}

}  // namespace

std::uint16_t SocketAddress::port() const {
    return ntohs(storage.ss_family == AF_INET6 ? as<sockaddr_in6>(*this).sin6_port
                                               : as<sockaddr_in>(*this).sin_port);
}

bool SocketAddress::same(const SocketAddress& other) const {
    if (storage.ss_family != other.storage.ss_family || port() != other.port()) return false;
    if (storage.ss_family == AF_INET6) {
        return std::memcmp(&as<sockaddr_in6>(*this).sin6_addr, &as<sockaddr_in6>(other).sin6_addr,
                           sizeof(in6_addr)) == 0;
    }
    return as<sockaddr_in>(*this).sin_addr.s_addr == as<sockaddr_in>(other).sin_addr.s_addr;
}

SocketAddress socket_address(const os::IpAddress& ip, std::uint16_t port) {
    SocketAddress made;
    std::visit(
        [&](const auto& one) {
            const auto address = in_family(one);
            std::memcpy(&made.storage, &address, sizeof(address));
            made.size = sizeof(address);
        },
        ip);
    // At the same place in both.
    reinterpret_cast<sockaddr_in&>(made.storage).sin_port = htons(port);
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    return made;
}

Fd make_socket(const os::IpAddress& ip, int type) {
    const bool ipv6 = os::is_ipv6(ip);
    Fd socket(::socket(ipv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("create a socket");
    const int on = 1;
    if (ipv6) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    return socket;
}

}  // namespace brig::network
