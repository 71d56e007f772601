#include "network/port_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <system_error>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"

namespace brig::network {
namespace {

Fd bind_socket(Protocol protocol, Ipv4Address ip, std::uint16_t port, bool reuse) {
    Fd socket(::socket(AF_INET,
                       (protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("socket");
    const int on = reuse ? 1 : 0;
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(ip.value());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        throw SysError("bind");
    }
    return socket;
}

/// Bound, and not listening: should a packet get past the firewall's redirection, it is refused
/// and not left hanging. For TCP, connections of a program that has ended (TIME_WAIT) must not
/// keep the port from us; one that listens must.
Fd hold_port(Protocol protocol, Ipv4Address ip, std::uint16_t port) {
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
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw SysError("getsockname");
    return ntohs(address.sin_port);
}

/// The system's word for an errno as Go prints it: in lower case.
std::string go_text(int error_number) {
    auto words = std::generic_category().message(error_number);
    if (!words.empty())
        words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
    return words;
}

}  // namespace

bool PortTable::taken(Protocol protocol, Ipv4Address ip, std::uint16_t port) const {
    const auto found = held_.find({protocol, port});
    if (found == held_.end()) return false;
    return ip.any() || found->second.contains(Ipv4Address()) || found->second.contains(ip);
}

void PortTable::hold(const PublishedPort& port, Fd socket) {
    held_[{port.protocol, port.host_port}].insert_or_assign(port.host_ip, std::move(socket));
}

PublishedPort PortTable::reserve_one(const PortRequest& request, Ipv4Address container) {
    PublishedPort port{request.host_ip, request.host_first, request.container_port,
                       request.protocol};
    const unsigned last = request.host_last == 0 ? request.host_first : request.host_last;
    for (unsigned number = request.host_first;; ++number) {
        port.host_port = static_cast<std::uint16_t>(number);
        const bool is_last = number >= last;
        if (number != 0 && taken(port.protocol, port.host_ip, port.host_port)) {
            if (!is_last) continue;
            throw Error(ErrorKind::internal, "Bind for {}:{} failed: port is already allocated",
                        port.host_ip.str(), port.host_port);
        }
        try {
            auto socket = hold_port(port.protocol, port.host_ip, port.host_port);
            // Port 0: the kernel has chosen one that is nobody's.
            port.host_port = port_of(socket);
            hold(port, std::move(socket));
            return port;
        } catch (const SysError& error) {
            if (!is_last) continue;
            throw Error(ErrorKind::internal, "failed to bind host port for {}:{}:{}:{}/{}: {}",
                        port.host_ip.str(), port.host_port, container.str(), port.container_port,
                        os::to_string(port.protocol), go_text(error.error_number()));
        }
    }
}

std::vector<PublishedPort> PortTable::reserve(const std::vector<PortRequest>& requests,
                                              const Owner& owner) {
    std::vector<PublishedPort> ports;
    Defer undo([&] { release(ports); });
    try {
        for (const auto& request : requests) ports.push_back(reserve_one(request, owner.address));
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
                  port.host_ip.str(), port.host_port, os::to_string(port.protocol),
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
