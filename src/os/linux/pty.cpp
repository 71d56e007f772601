// Terminals of the host.
#include "os/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/error.h"

namespace brig::os {

Pty open_pty() {
    Pty pty{open_file("/dev/ptmx", O_RDWR | O_NOCTTY), {}};
    const int unlock = 0;
    if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlock) != 0) throw SysError("unlock terminal");
    pty.slave = Fd(::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!pty.slave) throw SysError("open the terminal's other end");
    return pty;
}

void set_window_size(int terminal, unsigned rows, unsigned columns) {
    winsize size{};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    if (::ioctl(terminal, TIOCSWINSZ, &size) != 0) throw SysError("set the terminal's size");
}

void take_controlling_terminal(int terminal) {
    if (::ioctl(terminal, TIOCSCTTY, 0) != 0) throw SysError("take the controlling terminal");
}

}  // namespace brig::os
