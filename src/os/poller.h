// One thread waiting for descriptors, ends of processes, signals and timers at once: epoll with
// pidfds and a signalfd on Linux, kqueue on FreeBSD.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>

#include "base/fd.h"

namespace brig::os {

struct Interest {
    bool readable = false;
    bool writable = false;
    bool hangup = false;  ///< reported with any interest; this is for having no other
    [[nodiscard]] bool any() const { return readable || writable || hangup; }
    bool operator==(const Interest&) const = default;
};

struct Ready {
    bool readable = false;
    bool writable = false;
    bool hangup = false;  ///< the other end is gone or failed
};

/// Who is told about a descriptor. It may change and end any Watch, and destroy any watcher (itself
/// included), from within.
class Watcher {
public:
    virtual void on_ready(Ready ready) = 0;

protected:
    ~Watcher() = default;
};

/// Whether a wait for errors alone also ends when the other end hangs up (epoll), or that has to be
/// asked for now and then (kqueue, which has no event for it; poll(2) answers, but does not wake).
bool tells_hangups();

class Poller;

/// One descriptor's place in a Poller, level-triggered; one per descriptor. Must end before the
/// descriptor, the watcher and the poller do. What was reported for it in the poller's current
/// round is not delivered after its end.
class Watch {
public:
    Watch(Poller& poller, const Fd& fd, Watcher& watcher, Interest interest);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { set({}); }

    /// No interest at all means that not even a hang-up is reported.
    void set(Interest interest);
    [[nodiscard]] Interest interest() const { return interest_; }

private:
    Poller& poller_;
    const int fd_;
    Watcher& watcher_;
    Interest interest_;
};

/// Not thread-safe.
class Poller {
public:
    using Clock = std::chrono::steady_clock;
    using TimerId = std::uint64_t;
    /// The wait status of waitpid(2), or nothing where it cannot be known (not our child).
    using OnExit = std::function<void(std::optional<int> wait_status)>;

    Poller();
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    /// Calls back once when the process ends, having reaped it where it is our child. `process` is
    /// a pidfd or process descriptor of `pid` and stays the caller's, open until then. forget_exit
    /// is a no-op after the call.
    void watch_exit(const Fd& process, pid_t pid, OnExit on_exit);
    void forget_exit(const Fd& process, pid_t pid);

    /// From now on these signals are not delivered but handed to the callback within run_once().
    void watch_signals(std::initializer_list<int> signals, std::function<void(int)> on_signal);

    TimerId call_after(std::chrono::milliseconds delay, std::function<void()> action);
    void cancel(TimerId timer);

    /// Waits for at least one event, at most `limit` (negative: for ever), and delivers what came.
    void run_once(std::chrono::milliseconds limit = std::chrono::milliseconds(-1));

private:
    friend class Watch;
    struct Kernel;
    /// Moves the descriptor's registration from one interest to the other; empty: not registered.
    void update(int fd, Watcher& watcher, Interest from, Interest to);
    /// The time to wait given the next timer and `limit`, in milliseconds; -1: for ever.
    [[nodiscard]] int wait_time(std::chrono::milliseconds limit) const;
    void run_timers();

    struct Timer {
        TimerId id;
        std::function<void()> action;
    };
    std::unique_ptr<Kernel> kernel_;
    std::multimap<Clock::time_point, Timer> timers_;
    TimerId last_timer_ = 0;
};

}  // namespace brig::os
