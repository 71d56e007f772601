// The owner of a file descriptor, and the few whole-transfer operations everything else uses.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace brig {

/// Owns one descriptor; closes it once. Every descriptor Brig opens is close-on-exec.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    void reset();
    /// A second owner of the same open file. Throws SysError.
    [[nodiscard]] Fd duplicate() const;

private:
    int fd_ = -1;
};

/// openat(2) with O_CLOEXEC added. Throws SysError naming the path. `directory` may be AT_FDCWD.
Fd open_at(int directory, const std::string& path, int flags, mode_t mode = 0);
Fd open_file(const std::string& path, int flags, mode_t mode = 0);

struct FdPair {
    Fd first;
    Fd second;
};
/// first reads what second writes.
FdPair make_pipe();
/// A connected pair of unix stream sockets.
FdPair make_socket_pair();

/// Reads up to `buffer.size()` bytes, retrying on EINTR; 0 is end of file. Throws SysError.
std::size_t read_some(int fd, std::span<std::byte> buffer);
/// Writes all of `data`, retrying on EINTR. Throws SysError (EPIPE never raises a signal on
/// sockets; programs ignore SIGPIPE).
void write_all(int fd, std::span<const std::byte> data);
void write_all(int fd, std::string_view data);
/// Everything up to end of file; throws Error{invalid_argument} past `limit` bytes.
std::string read_to_end(int fd, std::size_t limit);

}  // namespace brig
