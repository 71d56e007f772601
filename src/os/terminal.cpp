// termios is POSIX and TIOCGWINSZ is common: one implementation serves both kernels.
#include "os/terminal.h"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"

namespace brig::os {

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

std::optional<WindowSize> window_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
    return WindowSize{.rows = size.ws_row, .columns = size.ws_col};
}

struct RawTerminal::Saved {
    int fd;
    termios settings;
};

void make_newlines_plain(int terminal) {
    termios settings{};
    if (::tcgetattr(terminal, &settings) != 0) throw SysError("read a terminal's settings");
    settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
    if (::tcsetattr(terminal, TCSANOW, &settings) != 0) throw SysError("set up a terminal");
}

RawTerminal::RawTerminal(int fd, Output output) : saved_(std::make_unique<Saved>(Saved{fd, {}})) {
    if (::tcgetattr(fd, &saved_->settings) != 0) throw SysError("read the terminal's settings");
    termios raw = saved_->settings;
    ::cfmakeraw(&raw);
    if (output == Output::with_carriage_returns) raw.c_oflag |= OPOST | ONLCR;
    if (::tcsetattr(fd, TCSANOW, &raw) != 0) throw SysError("put the terminal into raw mode");
}

RawTerminal::RawTerminal(RawTerminal&&) noexcept = default;

RawTerminal::~RawTerminal() {
    if (saved_) ::tcsetattr(saved_->fd, TCSANOW, &saved_->settings);
}

}  // namespace brig::os
