// FreeBSD has no syncfs(2): sync(2) starts everything, fsync on the directory waits for the file
// system's journal. The time of boot tells boots apart.
#include "os/storage.h"

#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

namespace brig::os {

void sync_filesystem(int fd) {
    ::sync();
    if (::fsync(fd) != 0) throw SysError("flush descriptor {}", fd);
}

std::string boot_identity() {
    timeval boot{};
    std::size_t size = sizeof boot;
    if (::sysctlbyname("kern.boottime", &boot, &size, nullptr, 0) != 0) {
        throw SysError("read kern.boottime");
    }
    return fmt::format("{}.{}", boot.tv_sec, boot.tv_usec);
}

}  // namespace brig::os
