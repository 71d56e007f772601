// Poller over kqueue: EVFILT_READ/WRITE, EVFILT_PROCDESC or EVFILT_PROC for ends of processes,
// EVFILT_SIGNAL for signals.
#include "os/poller.h"

#include <sys/event.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <span>

#include "base/error.h"

namespace brig::os {

struct Poller::Kernel {
    struct ExitWatch {
        int process;
        OnExit on_exit;
    };

    int submit(std::uintptr_t ident, short filter, unsigned short flags, unsigned fflags,
               void* data) const {
        struct kevent change;
        EV_SET(&change, ident, filter, flags, fflags, 0, data);
        return ::kevent(queue.get(), &change, 1, nullptr, 0, nullptr);
    }

    void set_filter(int fd, Watcher& watcher, short filter, int flags) const {
        const auto ident = static_cast<std::uintptr_t>(fd);
        if (submit(ident, filter, static_cast<unsigned short>(flags), 0, &watcher) != 0 &&
            flags != EV_DELETE) {
            throw SysError("watch descriptor {}", fd);
        }
    }

    void drop_pending(const void* data) {
        for (struct kevent& event : pending) {
            if (event.udata == data) event.udata = nullptr;
        }
    }

    void deliver(const struct kevent& event) {
        if (event.filter == EVFILT_PROC || event.filter == EVFILT_PROCDESC) {
            return end_of_process(event);
        }
        if (event.filter == EVFILT_SIGNAL) return on_signal(static_cast<int>(event.ident));
        if (event.udata == nullptr) return;
        const bool gone = (event.flags & EV_EOF) != 0;
        // The filter that is there for the hang-up alone; see update().
        if (event.filter == EVFILT_WRITE && (event.flags & EV_CLEAR) != 0 && !gone) return;
        static_cast<Watcher*>(event.udata)
            ->on_ready({.readable = event.filter == EVFILT_READ,
                        .writable = event.filter == EVFILT_WRITE && !gone,
                        .hangup = gone});
    }

    void end_of_process(const struct kevent& event) {
        auto node = exits.extract(static_cast<pid_t>(reinterpret_cast<std::intptr_t>(event.udata)));
        if (node.empty()) return;
        // NOTE_EXIT carries the status, also of processes that are not our children; a process
        // made by pdfork(2) is reaped by closing its descriptor.
        while (::waitpid(node.key(), nullptr, WNOHANG) < 0 && errno == EINTR) {
        }
        node.mapped().on_exit(static_cast<int>(event.data));
    }

    Fd queue;
    std::array<struct kevent, 64> events{};
    std::span<struct kevent> pending;
    std::map<pid_t, ExitWatch> exits;
    std::function<void(int)> on_signal;
};

bool tells_hangups() { return false; }

Poller::Poller() : kernel_(std::make_unique<Kernel>()) {
    kernel_->queue = Fd(::kqueuex(KQUEUE_CLOEXEC));
    if (!kernel_->queue) throw SysError("create kqueue");
}

Poller::~Poller() = default;

void Poller::update(int fd, Watcher& watcher, Interest from, Interest to) {
    // Being told of a hang-up alone is an edge-triggered write filter: once writable, once EOF.
    const auto write_flags = [](Interest interest) {
        return interest.writable                       ? EV_ADD
               : interest.hangup && !interest.readable ? EV_ADD | EV_CLEAR
                                                       : EV_DELETE;
    };
    const int before = write_flags(from);
    const int after = write_flags(to);
    if (from.readable != to.readable) {
        kernel_->set_filter(fd, watcher, EVFILT_READ, to.readable ? EV_ADD : EV_DELETE);
    }
    if (before != after && before != EV_DELETE)
        kernel_->set_filter(fd, watcher, EVFILT_WRITE, EV_DELETE);
    if (before != after && after != EV_DELETE)
        kernel_->set_filter(fd, watcher, EVFILT_WRITE, after);
    if (!to.any()) kernel_->drop_pending(&watcher);
}

void Poller::watch_exit(const Fd& process, pid_t pid, OnExit on_exit) {
    kernel_->exits[pid] = {process.get(), std::move(on_exit)};
    void* data = reinterpret_cast<void*>(static_cast<std::intptr_t>(pid));
    const auto descriptor = static_cast<std::uintptr_t>(process.get());
    constexpr unsigned short flags = EV_ADD | EV_ONESHOT;
    if (process && kernel_->submit(descriptor, EVFILT_PROCDESC, flags, NOTE_EXIT, data) == 0)
        return;
    if (kernel_->submit(static_cast<std::uintptr_t>(pid), EVFILT_PROC, flags, NOTE_EXIT, data) !=
        0) {
        kernel_->exits.erase(pid);
        throw SysError("watch process {}", pid);
    }
}

void Poller::forget_exit(const Fd&, pid_t pid) { kernel_->exits.erase(pid); }

void Poller::watch_signals(std::initializer_list<int> signals, std::function<void(int)> on_signal) {
    kernel_->on_signal = std::move(on_signal);
    for (const int signal : signals) {
        // SIGCHLD must keep its default action, or children would be reaped unseen; EVFILT_SIGNAL
        // sees a signal before its disposition does.
        if (signal != SIGCHLD) ::signal(signal, SIG_IGN);
        if (kernel_->submit(static_cast<std::uintptr_t>(signal), EVFILT_SIGNAL, EV_ADD, 0,
                            nullptr) != 0) {
            throw SysError("watch signal {}", signal);
        }
    }
}

void Poller::run_once(std::chrono::milliseconds limit) {
    Kernel& kernel = *kernel_;
    const int wait = wait_time(limit);
    const timespec time{wait / 1000, (wait % 1000) * 1'000'000L};
    const int count = ::kevent(kernel.queue.get(), nullptr, 0, kernel.events.data(),
                               static_cast<int>(kernel.events.size()), wait < 0 ? nullptr : &time);
    if (count < 0 && errno != EINTR) throw SysError("wait for events");
    kernel.pending = std::span(kernel.events.data(), static_cast<std::size_t>(std::max(count, 0)));
    while (!kernel.pending.empty()) {
        const struct kevent event = kernel.pending.front();
        kernel.pending = kernel.pending.subspan(1);
        kernel.deliver(event);
    }
    run_timers();
}

}  // namespace brig::os
