// openat2(RESOLVE_IN_ROOT), Linux 5.6; older kernels and seccomp profiles that refuse it walk.
#include "os/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace brig::os {

Fd open_in_root(int root, const std::string& path, int flags, mode_t mode) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    // O_TMPFILE contains O_DIRECTORY's bit; a mode without either creating flag is an error.
    const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
    how.mode = creates ? mode : 0;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const char* name = path.empty() ? "." : path.c_str();
    // EAGAIN: something was renamed during a lookup with "..".
    for (int attempt = 0; attempt < 100; ++attempt) {
        Fd fd(static_cast<int>(::syscall(SYS_openat2, root, name, &how, sizeof how)));
        if (fd) return fd;
        if (errno == ENOSYS || errno == EPERM) return walk_in_root(root, path, flags, mode);
        if (errno != EAGAIN && errno != EINTR) break;
    }
    throw SysError("open {}", path);
}

}  // namespace brig::os
