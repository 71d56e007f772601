// By bindat(2) and connectat(2).
#include "os/socket_at.h"

#include <fcntl.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/unix_socket.h"

namespace brig::os {
namespace {

sockaddr_un address_of(const std::string& name) {
    sockaddr_un address = unix_address(name);
    address.sun_len = static_cast<unsigned char>(SUN_LEN(&address));
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
    const sockaddr_un address = address_of(name);
    if (::bindat(directory, socket.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof address) != 0) {
        throw SysError("bind socket {}", name);
    }
    if (::fchmodat(directory, name.c_str(), 0600, AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("set the mode of socket {}", name);
    if (::listen(socket.get(), 8) != 0) throw SysError("listen on socket {}", name);
    return socket;
}

Fd connect_at(int directory, const std::string& name) {
    Fd socket = new_socket();
    const sockaddr_un address = address_of(name);
    if (::connectat(directory, socket.get(), reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) != 0) {
        throw SysError("connect to socket {}", name);
    }
    return socket;
}

}  // namespace brig::os
