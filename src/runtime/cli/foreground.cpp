// See foreground.h.
#include "runtime/cli/foreground.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/error.h"
#include "os/process.h"
#include "os/pty.h"
#include "os/terminal.h"

namespace brig::runtime {
namespace {

/// Our terminal on one side, the container's on the other.
class Relay {
public:
    explicit Relay(const Fd& console) : console_(console) {
        // The container's terminal passes plain newlines: see plain_newlines.
        if (os::is_terminal(STDIN_FILENO))
            raw_.emplace(STDIN_FILENO, os::RawTerminal::Output::with_carriage_returns);
        resize();
    }
    void resize() const {
        const auto size = os::window_size(STDIN_FILENO);
        if (!size) return;
        os::set_window_size(console_.get(), static_cast<unsigned>(size->rows),
                            static_cast<unsigned>(size->columns));
    }
    /// False at end of file; the terminal says EIO when its last user is gone.
    static bool copy(int from, int to) {
        std::array<std::byte, 16384> buffer;
        const ssize_t n = ::read(from, buffer.data(), buffer.size());
        if (n <= 0) return n < 0 && (errno == EINTR || errno == EAGAIN);
        write_all(to, std::span(buffer).first(static_cast<std::size_t>(n)));
        return true;
    }
    void drain() const {
        pollfd ready{console_.get(), POLLIN, 0};
        while (::poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0 &&
               copy(console_.get(), STDOUT_FILENO)) {
        }
    }

private:
    const Fd& console_;
    std::optional<os::RawTerminal> raw_;
};

int exit_status(int wait_status) {
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

constexpr std::array forwarded{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                               SIGUSR2, SIGCONT, SIGTSTP, SIGWINCH};

volatile std::sig_atomic_t pending_signals = 0;  // a bit per entry of `forwarded`

void note_signal(int signal) {
    for (std::size_t i = 0; i < forwarded.size(); ++i) {
        if (forwarded.at(i) == signal) pending_signals = pending_signals | (1 << i);
    }
}

/// Signals arrive only inside ppoll(2), so that none is missed between looking and sleeping.
class SignalRelay {
public:
    SignalRelay() {
        sigset_t block;
        ::sigemptyset(&block);
        struct sigaction action {};
        action.sa_handler = note_signal;
        for (const int signal : forwarded) {
            ::sigaddset(&block, signal);
            ::sigaction(signal, &action, nullptr);
        }
        ::sigprocmask(SIG_BLOCK, &block, &unblocked_);
    }
    [[nodiscard]] const sigset_t& unblocked() const { return unblocked_; }
    template <typename Action>
    void deliver(Action action) const {
        const int pending = pending_signals;
        pending_signals = 0;
        for (std::size_t i = 0; i < forwarded.size(); ++i) {
            if ((pending >> i & 1) != 0) action(forwarded.at(i));
        }
    }

private:
    sigset_t unblocked_{};
};

}  // namespace

int stay_in_foreground(Started started) {
    const SignalRelay signals;
    const os::Process process(started.pid, std::move(started.process));
    std::optional<Relay> relay;
    if (started.console) relay.emplace(started.console);
    bool input_open = relay.has_value();
    bool output_open = relay.has_value();
    for (;;) {
        std::array<pollfd, 3> fds{pollfd{process.fd().get(), POLLIN, 0},
                                  pollfd{output_open ? started.console.get() : -1, POLLIN, 0},
                                  pollfd{input_open ? STDIN_FILENO : -1, POLLIN, 0}};
        const int n = ::ppoll(fds.data(), fds.size(), nullptr, &signals.unblocked());
        if (n < 0 && errno != EINTR) throw SysError("wait for the container");
        signals.deliver([&](int signal) {
            if (signal == SIGWINCH && relay) {
                relay->resize();
            } else if (signal != SIGWINCH) {
                process.signal(signal);
            }
        });
        if (n <= 0) continue;
        if (fds[1].revents != 0) output_open = Relay::copy(started.console.get(), STDOUT_FILENO);
        if (fds[2].revents != 0) input_open = Relay::copy(STDIN_FILENO, started.console.get());
        if (fds[0].revents == 0) continue;
        if (relay) relay->drain();
        return exit_status(process.wait().value_or(0));
    }
}

}  // namespace brig::runtime
