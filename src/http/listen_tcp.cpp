// TCP listeners by name or address.
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include "base/error.h"
#include "base/strings.h"
#include "http/server.h"

namespace brig::http {
namespace {

struct Target {
    std::string host;  // empty: all addresses
    std::string port;
};

Target parse_target_address(const std::string& address) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos || !parse_int<std::uint16_t>(address.substr(colon + 1))) {
        throw Error(ErrorKind::invalid_argument, "listen address {:?} is not HOST:PORT", address);
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {host, address.substr(colon + 1)};
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList look_up(const std::string& address) {
    const Target target = parse_target_address(address);
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_family = target.host.empty() ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    const char* host = target.host.empty() ? nullptr : target.host.c_str();
    addrinfo* found = nullptr;
    int failed = ::getaddrinfo(host, target.port.c_str(), &hints, &found);
    if (failed != 0) {
        throw Error(ErrorKind::invalid_argument, "cannot listen on {}: {}", address,
                    ::gai_strerror(failed));
    }
    return {found, &::freeaddrinfo};
}

Fd try_listen(const addrinfo& at) {
    Fd fd(::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC, at.ai_protocol));
    if (!fd) return {};
    const int yes = 1;
    const int no = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (at.ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    if (::bind(fd.get(), at.ai_addr, at.ai_addrlen) < 0 || ::listen(fd.get(), 1024) < 0) return {};
    return fd;
}

}  // namespace

Fd listen_tcp(const std::string& address) {
    const auto addresses = look_up(address);
    errno = 0;
    for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
        if (Fd fd = try_listen(*at)) return fd;
    }
    // A kernel without IPv6.
    if (address.starts_with(':') && errno == EAFNOSUPPORT) return listen_tcp("0.0.0.0" + address);
    throw SysError("listen on {}", address);
}

std::uint16_t port_of(const Fd& listener) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0)
        throw SysError("ask for a listener's port");
    const bool is_v6 = address.ss_family == AF_INET6;
    const auto port = is_v6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                            : reinterpret_cast<const sockaddr_in&>(address).sin_port;
    return ntohs(port);
}

}  // namespace brig::http
