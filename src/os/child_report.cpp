// Packets: 'R' ready (with a descriptor or without), 'S' a successor (with its descriptor),
// 'Q' the parent's turn, 'G' go on, 'E' followed
// by the error's kind, a NUL and its message.
#include "os/child_report.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/unix_socket.h"

namespace brig::os {
namespace {

constexpr std::size_t max_packet = 8192;

// Room for one descriptor.
union Control {
    cmsghdr header;
    std::array<char, CMSG_SPACE(sizeof(int))> space;
};

struct Packet {
    std::string data;  // empty at the end
    Fd descriptor;
};

Packet receive_packet(int socket) {
    std::array<char, max_packet> buffer;
    iovec part{buffer.data(), buffer.size()};
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    ssize_t n = 0;
    do {
        n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    // A child that was killed with our packet unread resets the connection: the same as its end.
    if (n < 0 && errno != ECONNRESET) throw SysError("receive a report from the child");
    Packet packet;
    if (n > 0) packet.data.assign(buffer.data(), static_cast<std::size_t>(n));
    for (cmsghdr* h = CMSG_FIRSTHDR(&message); h != nullptr; h = CMSG_NXTHDR(&message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(h), sizeof fd);
        packet.descriptor = Fd(fd);
    }
    return packet;
}

[[noreturn]] void throw_received(const std::string& data) {
    const std::size_t end = data.find('\0');
    const std::string kind = data.substr(1, end - 1);
    throw Error(error_kind_from_string(kind),
                end == std::string::npos ? "unreadable report" : data.substr(end + 1));
}

}  // namespace

ChildReport::Ends ChildReport::make() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw SysError("create socket pair");
    }
    return {ChildReport(Fd(ends[0])), ChildReport(Fd(ends[1]))};
}

void ChildReport::ready(int descriptor) const {
    if (!send_message(socket_.get(), "R", descriptor)) ::_exit(1);
}

void ChildReport::successor(int process) const {
    if (!send_message(socket_.get(), "S", process)) ::_exit(1);
}

void ChildReport::fail(const Error& error) const { send_error(socket_.get(), error); }

void ChildReport::rendezvous() const {
    if (!send_message(socket_.get(), "Q") || receive_packet(socket_.get()).data != "G") ::_exit(1);
}

ChildReport::Message ChildReport::receive() const {
    Packet packet = receive_packet(socket_.get());
    if (packet.data.empty()) return {Message::Kind::end, {}};
    switch (packet.data.front()) {
        case 'R': return {Message::Kind::ready, std::move(packet.descriptor)};
        case 'S': return {Message::Kind::successor, std::move(packet.descriptor)};
        case 'Q': return {Message::Kind::rendezvous, {}};
        default: throw_received(packet.data);
    }
}

void ChildReport::proceed() const {
    if (!send_message(socket_.get(), "G")) {
        throw Error(ErrorKind::internal, "the container's process died while it was being set up");
    }
}

void send_error(int connection, const Error& error) {
    std::string packet = "E";
    packet += to_string(error.kind());
    packet += '\0';
    packet += error.message().substr(0, max_packet - 100);
    send_message(connection, packet);
}

void send_go(int connection, int descriptor) {
    if (!send_message(connection, "G", descriptor))
        throw Error(ErrorKind::unavailable, "the container's process has ended");
}

std::optional<Fd> receive_go(int connection) {
    Packet packet = receive_packet(connection);
    if (packet.data != "G") return std::nullopt;
    return std::move(packet.descriptor);
}

void receive_outcome(int connection) {
    const Packet packet = receive_packet(connection);
    if (!packet.data.empty() && packet.data.front() == 'E') throw_received(packet.data);
}

}  // namespace brig::os
