// By the short names that /proc gives descriptors.
#include "os/socket_at.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "base/error.h"

namespace brig::os {
namespace {

sockaddr_un address_of(int directory, const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = fmt::format("/proc/self/fd/{}/{}", directory, name);
    if (path.size() >= sizeof address.sun_path)
        throw Error(ErrorKind::invalid_argument, "socket name {} is too long", name);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
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
