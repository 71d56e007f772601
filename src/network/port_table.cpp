#include "network/port_table.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "network/socket_address.h"

namespace brig::network {
namespace {

constexpr unsigned most_choices = 16;

Fd bind_socket(Protocol protocol, const IpAddress& ip, std::uint16_t port, bool reuse) {
    Fd socket = make_socket(ip, protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM);
    const int on = reuse ? 1 : 0;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto address = socket_address(ip, port);
    if (::bind(socket.get(), address.raw(), address.size) != 0) throw SysError("bind");
    return socket;
}

/// Bound, and not listening: should a packet get past the firewall's redirection, it is refused
/// and not left hanging. For TCP, connections of a program that has ended (TIME_WAIT) must not
/// keep the port from us; one that listens must.
Fd hold_port(Protocol protocol, const IpAddress& ip, std::uint16_t port) {
    try {
        return bind_socket(protocol, ip, port, false);
    } catch (const SysError& error) {
        if (protocol != Protocol::tcp || error.error_number() != EADDRINUSE) throw;
    }
    auto socket = bind_socket(protocol, ip, port, true);
    if (::listen(socket.get(), 1) != 0) throw SysError("listen");
    (void)::shutdown(socket.get(), SHUT_RDWR);
    const int off = 0;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &off, sizeof(off));
    return socket;
}

std::uint16_t port_of(const Fd& socket) {
    SocketAddress address;
    if (::getsockname(socket.get(), address.raw(), &address.size) != 0)
        throw SysError("getsockname");
    return address.port();
}

/// The system's word for an errno as Go prints it: in lower case.
std::string go_text(int error_number) {
    auto words = std::generic_category().message(error_number);
    if (!words.empty())
        words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
    return words;
}

}  // namespace

bool PortTable::taken(const PublishedPort& port) const {
    const auto found = held_.find({port.protocol, port.host_port});
    if (found == held_.end()) return false;
    const auto clashes = [&](const auto& held) {
        if (os::is_ipv6(held.first) != os::is_ipv6(port.host_ip)) return false;
        return os::is_any(held.first) || os::is_any(port.host_ip) || held.first == port.host_ip;
    };
    return std::any_of(found->second.begin(), found->second.end(), clashes);
}

void PortTable::hold(const PublishedPort& port, Fd socket) {
    held_[{port.protocol, port.host_port}].insert_or_assign(port.host_ip, std::move(socket));
}

PublishedPort PortTable::hold_one(PublishedPort port, const Owner& owner) {
    const auto ip = os::to_string(port.host_ip);
    if (port.host_port != 0 && taken(port)) {
        throw Error(ErrorKind::internal, "Bind for {}:{} failed: port is already allocated", ip,
                    port.host_port);
    }
    try {
        auto socket = hold_port(port.protocol, port.host_ip, port.host_port);
        // Port 0: the kernel has chosen one that is nobody's.
        port.host_port = port_of(socket);
        hold(port, std::move(socket));
        return port;
    } catch (const SysError& error) {
        throw Error(ErrorKind::internal, "failed to bind host port for {}:{}:{}:{}/{}: {}", ip,
                    port.host_port, owner.address.str(), port.container_port,
                    os::to_string(port.protocol), go_text(error.error_number()));
    }
}

/// The same port on all of the addresses, or on none.
std::vector<PublishedPort> PortTable::hold_all(const std::vector<IpAddress>& ips,
                                               PublishedPort port, const Owner& owner) {
    std::vector<PublishedPort> held;
    Defer undo([&] { release(held); });
    for (const auto& ip : ips) {
        port.host_ip = ip;
        held.push_back(hold_one(port, owner));
        port.host_port = held.back().host_port;
    }
    undo.dismiss();
    return held;
}

std::vector<PublishedPort> PortTable::reserve_one(const PortRequest& request, const Owner& owner) {
    std::vector<IpAddress> ips;
    if (request.host_ip)
        ips = {*request.host_ip};
    else if (owner.ipv6)
        ips = {Ipv4Address(), Ipv6Address()};
    else
        ips = {Ipv4Address()};
    if (os::is_ipv6(ips.front()) && !owner.ipv6) {
        throw Error(ErrorKind::failed_precondition,
                    "cannot publish on {}: the network has no IPv6; brigd's option ipv6 gives it "
                    "some",
                    os::to_string(ips.front()));
    }
    PublishedPort port{{}, request.host_first, request.container_port, request.protocol};
    const unsigned last = request.host_last == 0 ? request.host_first : request.host_last;
    // A port that is free on one address, as the kernel chose it, may be taken on the next.
    unsigned choices = request.host_first == 0 ? most_choices : 1;
    for (;;) {
        try {
            return hold_all(ips, port, owner);
        } catch (const Error&) {
            if (request.host_first == 0 ? --choices == 0 : port.host_port >= last) throw;
        }
        if (request.host_first != 0) ++port.host_port;
    }
}

std::vector<PublishedPort> PortTable::reserve(const std::vector<PortRequest>& requests,
                                              const Owner& owner) {
    std::vector<PublishedPort> ports;
    Defer undo([&] { release(ports); });
    try {
        for (const auto& request : requests) {
            const auto held = reserve_one(request, owner);
            ports.insert(ports.end(), held.begin(), held.end());
        }
    } catch (const Error& error) {
        throw error.within(
            fmt::format("driver failed programming external connectivity on endpoint {} ({})",
                        owner.name, owner.endpoint_id));
    }
    undo.dismiss();
    return ports;
}

void PortTable::adopt(const PublishedPort& port) {
    Fd socket;
    try {
        socket = hold_port(port.protocol, port.host_ip, port.host_port);
    } catch (const Error& error) {
        log::warn("port {}:{}/{} of a running container is also used by another program: {}",
                  os::to_string(port.host_ip), port.host_port, os::to_string(port.protocol),
                  error.message());
    }
    hold(port, std::move(socket));
}

Fd PortTable::socket_of(const PublishedPort& port) const {
    const auto found = held_.find({port.protocol, port.host_port});
    if (found == held_.end()) return {};
    const auto socket = found->second.find(port.host_ip);
    if (socket == found->second.end() || !socket->second) return {};
    return Fd(::fcntl(socket->second.get(), F_DUPFD_CLOEXEC, 3));
}

void PortTable::release(const std::vector<PublishedPort>& ports) {
    for (const auto& port : ports) {
        const auto found = held_.find({port.protocol, port.host_port});
        if (found == held_.end()) continue;
        found->second.erase(port.host_ip);
        if (found->second.empty()) held_.erase(found);
    }
}

}  // namespace brig::network
