// See signal_pipe.h.
#include "cli/signal_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "base/error.h"

namespace brig::cli {
namespace {

// A signal handler has no other way to know where to write.
std::atomic<int> write_end{-1};

void on_signal(int signal) {
    const int saved = errno;
    const auto byte = static_cast<unsigned char>(signal);
    const int fd = write_end.load(std::memory_order_relaxed);
    if (fd >= 0 && ::write(fd, &byte, 1) < 0) {
        // A full pipe holds thousands of signals that nobody has looked at.
    }
    errno = saved;
}

struct Named {
    int number;
    std::string_view name;
};
constexpr std::array known{Named{SIGHUP, "HUP"},   Named{SIGINT, "INT"},   Named{SIGQUIT, "QUIT"},
                           Named{SIGTERM, "TERM"}, Named{SIGUSR1, "USR1"}, Named{SIGUSR2, "USR2"}};

}  // namespace

struct SignalPipe::Saved {
    int signal;
    struct sigaction action;
};

SignalPipe::SignalPipe(const std::vector<int>& signals) : pipe_(make_pipe()) {
    for (const int fd : {pipe_.first.get(), pipe_.second.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    write_end = pipe_.second.get();
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigfillset(&action.sa_mask);
    for (const int signal : signals) {
        struct sigaction old {};
        ::sigaction(signal, nullptr, &old);
        if (old.sa_handler == SIG_IGN) continue;  // nohup: ignored stays ignored
        ::sigaction(signal, &action, nullptr);
        saved_.push_back({signal, old});
    }
}

SignalPipe::~SignalPipe() {
    for (const Saved& saved : saved_) ::sigaction(saved.signal, &saved.action, nullptr);
    write_end = -1;
}

std::optional<int> SignalPipe::next() {
    unsigned char byte = 0;
    if (::read(pipe_.first.get(), &byte, 1) != 1) return std::nullopt;
    return byte;
}

std::vector<int> forwarded_signals() {
    std::vector<int> numbers;
    for (const Named& signal : known) numbers.push_back(signal.number);
    return numbers;
}

std::string signal_name(int signal) {
    const auto it = std::ranges::find(known, signal, &Named::number);
    return it == known.end() ? std::to_string(signal) : std::string(it->name);
}

}  // namespace brig::cli
