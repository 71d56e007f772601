// Poller over epoll. Ends of processes are pidfds becoming readable, so that one exit costs the
// same with one child or a thousand (waitpid(-1) would walk them all); signals are a signalfd.
#include "os/poller.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>

#include "base/error.h"

namespace brig::os {
namespace {

std::uint32_t to_epoll(Interest interest) {
    return (interest.readable ? EPOLLIN : 0U) | (interest.writable ? EPOLLOUT : 0U);
}

Ready from_epoll(std::uint32_t events) {
    return {(events & EPOLLIN) != 0, (events & EPOLLOUT) != 0,
            (events & (EPOLLHUP | EPOLLERR)) != 0};
}

/// The status in waitpid's form, and the process reaped; nothing when it is not our child.
std::optional<int> reap(pid_t pid) {
    int status = 0;
    pid_t reaped = 0;
    while ((reaped = ::waitpid(pid, &status, WNOHANG)) < 0 && errno == EINTR) {
    }
    return reaped == pid ? std::optional(status) : std::nullopt;
}

class SignalWatch final : public Watcher {
public:
    SignalWatch(Fd fd, std::function<void(int)> on_signal)
        : fd_(std::move(fd)), on_signal_(std::move(on_signal)) {}

    void on_ready(Ready) override {
        signalfd_siginfo info{};
        while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
            on_signal_(static_cast<int>(info.ssi_signo));
        }
    }
    [[nodiscard]] const Fd& fd() const { return fd_; }

private:
    Fd fd_;
    std::function<void(int)> on_signal_;
};

}  // namespace

struct Poller::Kernel {
    struct ExitWatch final : Watcher {
        ExitWatch(Kernel& k, const Fd& p, pid_t id, OnExit callback)
            : kernel(k), process(p.get()), pid(id), on_exit(std::move(callback)) {}
        void on_ready(Ready) override {
            const auto status = reap(pid);
            const auto self = kernel.take_exit(process);
            self->on_exit(status);
        }
        Kernel& kernel;
        int process;
        pid_t pid;
        OnExit on_exit;
    };

    void control(int operation, int fd, Watcher& watcher, std::uint32_t mask) const {
        epoll_event event{};
        event.events = mask;
        event.data.ptr = &watcher;
        if (::epoll_ctl(epoll.get(), operation, fd, &event) != 0)
            throw SysError("watch descriptor {}", fd);
    }

    /// Nothing already reported in this round reaches `watcher` any more.
    void drop_pending(const Watcher* watcher) {
        for (epoll_event& event : pending) {
            if (event.data.ptr == watcher) event.data.ptr = nullptr;
        }
    }

    std::unique_ptr<ExitWatch> take_exit(int process) {
        auto node = exits.extract(process);
        if (node.empty()) return nullptr;
        ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, process, nullptr);
        drop_pending(node.mapped().get());
        return std::move(node.mapped());
    }

    Fd epoll;
    std::array<epoll_event, 64> events{};
    std::span<epoll_event> pending;
    std::map<int, std::unique_ptr<ExitWatch>> exits;
    std::unique_ptr<SignalWatch> signals;
};

bool tells_hangups() { return true; }

Poller::Poller() : kernel_(std::make_unique<Kernel>()) {
    kernel_->epoll = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!kernel_->epoll) throw SysError("create epoll instance");
}

Poller::~Poller() = default;

void Poller::update(int fd, Watcher& watcher, Interest from, Interest to) {
    if (to.any()) {
        return kernel_->control(from.any() ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, watcher,
                                to_epoll(to));
    }
    // Not merely an empty event mask: epoll would go on reporting EPOLLHUP, and the loop spin.
    ::epoll_ctl(kernel_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
    kernel_->drop_pending(&watcher);
}

void Poller::watch_exit(const Fd& process, pid_t pid, OnExit on_exit) {
    auto watch = std::make_unique<Kernel::ExitWatch>(*kernel_, process, pid, std::move(on_exit));
    kernel_->control(EPOLL_CTL_ADD, process.get(), *watch, EPOLLIN);
    kernel_->exits[process.get()] = std::move(watch);
}

void Poller::forget_exit(const Fd& process, pid_t) { kernel_->take_exit(process.get()); }

void Poller::watch_signals(std::initializer_list<int> signals, std::function<void(int)> on_signal) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals) ::sigaddset(&set, signal);
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
        throw SysError(error, "block signals");
    Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) throw SysError("create signalfd");
    kernel_->signals = std::make_unique<SignalWatch>(std::move(fd), std::move(on_signal));
    kernel_->control(EPOLL_CTL_ADD, kernel_->signals->fd().get(), *kernel_->signals, EPOLLIN);
}

void Poller::run_once(std::chrono::milliseconds limit) {
    Kernel& kernel = *kernel_;
    const int count = ::epoll_wait(kernel.epoll.get(), kernel.events.data(),
                                   static_cast<int>(kernel.events.size()), wait_time(limit));
    if (count < 0 && errno != EINTR) throw SysError("wait for events");
    kernel.pending = std::span(kernel.events.data(), static_cast<std::size_t>(std::max(count, 0)));
    while (!kernel.pending.empty()) {
        const epoll_event event = kernel.pending.front();
        kernel.pending = kernel.pending.subspan(1);
        if (event.data.ptr != nullptr)
            static_cast<Watcher*>(event.data.ptr)->on_ready(from_epoll(event.events));
    }
    run_timers();
}

}  // namespace brig::os
