// Terminals: one set for the host and all jails, whose devfs rulesets show them by number.
#include "os/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <cstdlib>

#include "base/error.h"

namespace brig::os {

Pty open_pty() {
    Pty pty{Fd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)), {}};
    if (!pty.master) throw SysError("open a terminal");
    std::array<char, 64> name{};
    if (::ptsname_r(pty.master.get(), name.data(), name.size()) != 0)
        throw SysError("name the terminal");
    pty.slave = open_file(name.data(), O_RDWR | O_NOCTTY);
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
