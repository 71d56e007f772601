// See container_pty.h.
#include "os/linux/container_pty.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "base/error.h"
#include "os/beneath.h"

namespace brig::os {
namespace {

/// CVE-2025-52565: it must be the multiplexer of a devpts, whatever the image has put there.
/// Looked at before it is opened for real: opening a device can do things.
bool is_multiplexer(int fd) {
    struct stat info {};
    struct statfs system {};
    return ::fstat(fd, &info) == 0 && ::fstatfs(fd, &system) == 0 && S_ISCHR(info.st_mode) &&
           info.st_rdev == makedev(5, 2) && system.f_type == DEVPTS_SUPER_MAGIC;
}

}  // namespace

Pty open_container_pty(int root) {
    Pty pty{open_in_root(root, "/dev/pts/ptmx", O_PATH), {}};
    if (is_multiplexer(pty.master.get())) {
        pty.master = open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    }
    if (!is_multiplexer(pty.master.get())) {
        throw Error(ErrorKind::failed_precondition,
                    "/dev/pts/ptmx in the container is no terminal multiplexer");
    }
    const int unlock = 0;
    if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlock) != 0) throw SysError("unlock the terminal");
    pty.slave = Fd(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave) throw SysError("open the terminal");
    return pty;
}

}  // namespace brig::os
