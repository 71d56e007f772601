// By the short names that /proc gives descriptors.
#include "os/socket_at.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/unix_socket.h"

namespace brig::os {
namespace {

sockaddr_un address_of(int directory, const std::string& name) {
    return unix_address(fmt::format("/proc/self/fd/{}/{}", directory, name));
}

Fd new_socket() {
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("create socket");
    return socket;
}

}  // namespace

Fd listen_at(int directory, const std::string& name) {
    Fd socket = new_socket();
    const sockaddr_un address = address_of(directory, name);
    ::fchmod(socket.get(), 0600);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw SysError("bind socket {}", name);
    }
    if (::listen(socket.get(), 8) != 0) throw SysError("listen on socket {}", name);
    return socket;
}

Fd connect_at(int directory, const std::string& name) {
    Fd socket = new_socket();
    const sockaddr_un address = address_of(directory, name);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw SysError("connect to socket {}", name);
    }
    return socket;
}

}  // namespace brig::os
