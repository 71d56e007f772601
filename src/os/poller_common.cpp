// The part of Poller that is the same on every kernel: watches, and timers in a sorted map.
#include <algorithm>

#include "os/poller.h"

namespace brig::os {

Watch::Watch(Poller& poller, const Fd& fd, Watcher& watcher, Interest interest)
    : poller_(poller), fd_(fd.get()), watcher_(watcher) {
    set(interest);
}

void Watch::set(Interest interest) {
    if (interest == interest_) return;
    poller_.update(fd_, watcher_, interest_, interest);
    interest_ = interest;
}

Poller::TimerId Poller::call_after(std::chrono::milliseconds delay, std::function<void()> action) {
    timers_.emplace(Clock::now() + delay, Timer{++last_timer_, std::move(action)});
    return last_timer_;
}

void Poller::cancel(TimerId timer) {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.second.id == timer; });
}

int Poller::wait_time(std::chrono::milliseconds limit) const {
    if (timers_.empty()) return static_cast<int>(limit.count());
    const auto until =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    const auto wait = std::max(until, std::chrono::milliseconds(0));
    return static_cast<int>((limit.count() < 0 ? wait : std::min(wait, limit)).count());
}

void Poller::run_timers() {
    // Only what is due now: an action that sets a timer of zero must not keep the loop here.
    const auto due = Clock::now();
    while (!timers_.empty() && timers_.begin()->first <= due) {
        auto timer = timers_.extract(timers_.begin());
        timer.mapped().action();
    }
}

}  // namespace brig::os
