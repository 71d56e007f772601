#include "os/freebsd/jail_sockets.h"

#include <sys/param.h>
#include <sys/jail.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace brig::os::freebsd_net {
namespace {

constexpr std::size_t socket_count = 3;

struct Rights {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(socket_count * sizeof(int))> buffer{};
};

/// An errno, and with 0 the sockets.
msghdr message_of(iovec& data, Rights& rights) {
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = rights.buffer.data();
    message.msg_controllen = static_cast<socklen_t>(rights.buffer.size());
    return message;
}

/// In the child of a process with threads: system calls only, no allocation.
[[noreturn]] void child(int jail, bool ipv6, int report) {
    // The kernel refuses to attach while a directory outside of the jail is open.
    if (::dup2(report, 3) < 0) ::_exit(1);
    ::closefrom(4);
    std::array<int, socket_count> sockets{-1, -1, -1};
    const int family = ipv6 ? AF_INET6 : AF_INET;
    int error = 0;
    if (::jail_attach(jail) != 0) error = errno;
    if (error == 0 && (sockets[0] = ::socket(AF_INET, SOCK_DGRAM, 0)) < 0) error = errno;
    if (error == 0 && (sockets[1] = ::socket(PF_ROUTE, SOCK_RAW, AF_INET)) < 0) error = errno;
    if (error == 0 && (sockets[2] = ::socket(family, SOCK_DGRAM, 0)) < 0) error = errno;

    iovec data{&error, sizeof(error)};
    Rights rights;
    auto message = message_of(data, rights);
    if (error == 0) {
        auto* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(sockets));
        std::memcpy(CMSG_DATA(header), sockets.data(), sizeof(sockets));
    } else {
        message.msg_control = nullptr;
        message.msg_controllen = 0;
    }
    ::_exit(::sendmsg(3, &message, 0) < 0 ? 1 : 0);
}

JailSockets receive(int report, int jail) {
    int error = 0;
    iovec data{&error, sizeof(error)};
    Rights rights;
    auto message = message_of(data, rights);
    ssize_t size = 0;
    do {
        size = ::recvmsg(report, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) throw SysError("enter jail {}", jail);
    if (size != sizeof(error))
        throw Error(ErrorKind::internal, "enter jail {}: the helper died", jail);
    if (error != 0) throw SysError(error, fmt::format("enter jail {}", jail));
    const auto* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS ||
        header->cmsg_len != CMSG_LEN(socket_count * sizeof(int))) {
        throw Error(ErrorKind::internal, "enter jail {}: no sockets came back", jail);
    }
    std::array<int, socket_count> sockets{};
    std::memcpy(sockets.data(), CMSG_DATA(header), sizeof(sockets));
    return {Fd(sockets[0]), Fd(sockets[1]), Fd(sockets[2])};
}

}  // namespace

JailSockets sockets_in_jail(int jail, bool ipv6) {
    auto [ours, theirs] = make_socket_pair();
    const auto pid = ::fork();
    if (pid < 0) throw SysError("fork");
    if (pid == 0) child(jail, ipv6, theirs.get());
    theirs.reset();
    const auto reap = [pid] {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    };
    try {
        auto sockets = receive(ours.get(), jail);
        reap();
        return sockets;
    } catch (...) {
        reap();
        throw;
    }
}

}  // namespace brig::os::freebsd_net
