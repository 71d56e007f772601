// See send_descriptor.h.
#include "runtime/cli/send_descriptor.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "base/error.h"

namespace brig::runtime {
namespace {

Fd connect_to(const std::string& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("create socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw Error(ErrorKind::invalid_argument, "socket {}: the path is too long", path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw SysError("connect to socket {}", path);
    return socket;
}

}  // namespace

void send_descriptor(const std::string& socket_path, const std::string& name,
                     const Fd& descriptor) {
    const Fd socket = connect_to(socket_path);
    std::string text = name;
    iovec part{text.data(), text.size()};
    union {
        cmsghdr header;
        std::array<char, CMSG_SPACE(sizeof(int))> space;
    } control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = descriptor.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0)
        throw SysError("send to socket {}", socket_path);
}

}  // namespace brig::runtime
