// Descriptor primitives over POSIX calls both kernels share.
#include "base/fd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"

namespace brig {

void Fd::reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Fd Fd::duplicate() const {
    Fd copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw SysError("duplicate descriptor {}", fd_);
    return copy;
}

Fd open_at(int directory, const std::string& path, int flags, mode_t mode) {
    Fd fd(::openat(directory, path.c_str(), flags | O_CLOEXEC, mode));
    if (!fd) throw SysError("open {}", path);
    return fd;
}

Fd open_file(const std::string& path, int flags, mode_t mode) {
    return open_at(AT_FDCWD, path, flags, mode);
}

FdPair make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw SysError("create pipe");
    return {Fd(ends[0]), Fd(ends[1])};
}

FdPair make_socket_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        throw SysError("create socket pair");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

std::size_t read_some(int fd, std::span<std::byte> buffer) {
    for (;;) {
        const ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) throw SysError("read from descriptor {}", fd);
    }
}

void write_all(int fd, std::span<const std::byte> data) {
    while (!data.empty()) {
        const ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0) {
            if (errno == EINTR) continue;
            throw SysError("write to descriptor {}", fd);
        }
        data = data.subspan(static_cast<std::size_t>(n));
    }
}

void write_all(int fd, std::string_view data) { write_all(fd, std::as_bytes(std::span(data))); }

std::string read_to_end(int fd, std::size_t limit) {
    std::string out;
    std::array<std::byte, 16384> buffer;
    while (const std::size_t n = read_some(fd, buffer)) {
        if (out.size() + n > limit) {
            throw Error(ErrorKind::invalid_argument, "more than {} bytes of input", limit);
        }
        out.append(reinterpret_cast<const char*>(buffer.data()), n);
    }
    return out;
}

}  // namespace brig
