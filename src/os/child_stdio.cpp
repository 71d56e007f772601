#include "os/child_stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/error.h"
#include "base/fd.h"
#include "os/pty.h"

namespace brig::os {
namespace {

void move_to(int fd, int number) {
    if (fd == number) {
        ::fcntl(fd, F_SETFD, 0);
    } else if (::dup2(fd, number) < 0) {
        throw SysError("make descriptor {} number {}", fd, number);
    }
}

}  // namespace

void take_stdio(StdioFds stdio, int preserved) {
    int null = -1;
    const auto source = [&](int fd) {
        if (fd >= 0) return fd;
        if (null < 0) null = open_file("/dev/null", O_RDWR).release();
        return null;
    };
    // Out of the way first: one of them may be another's target.
    std::array<int, 3> fds{source(stdio.in), source(stdio.out), source(stdio.err)};
    for (int i = 0; i < 3; ++i) {
        int& fd = fds.at(static_cast<std::size_t>(i));
        if (fd > 2 || fd == i) continue;
        fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) throw SysError("duplicate a standard descriptor");
    }
    for (int i = 0; i < 3; ++i) move_to(fds.at(static_cast<std::size_t>(i)), i);
    // Who waits for the end of a pipe must not wait for a container that was never started.
    for (const int fd : fds) {
        if (fd > 2 + preserved) ::close(fd);
    }
}

void take_terminal(int slave, const std::optional<ConsoleSize>& size) {
    if (size && size->width != 0) set_window_size(slave, size->height, size->width);
    take_controlling_terminal(slave);
    for (int i = 0; i < 3; ++i) move_to(slave, i);
}

}  // namespace brig::os
