// See unix_socket.h.
#include "base/unix_socket.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace brig {

sockaddr_un unix_address(const std::filesystem::path& path) {
    const std::string text = path.string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (text.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::invalid_argument, "socket path {} is longer than {} bytes", text,
                    sizeof address.sun_path - 1);
    }
    text.copy(address.sun_path, text.size());
    return address;
}

Fd unix_socket() {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) throw SysError("create a unix socket");
    return socket;
}

Fd connect_unix(const std::filesystem::path& path) {
    const sockaddr_un address = unix_address(path);
    Fd socket = unix_socket();
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw SysError("connect to socket {}", path.string());
    return socket;
}

bool send_message(int socket, std::string_view data, int descriptor) {
    iovec part{const_cast<char*>(data.data()), data.size()};
    union {
        cmsghdr header;
        std::array<char, CMSG_SPACE(sizeof(int))> space;
    } control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

}  // namespace brig
