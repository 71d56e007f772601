// See timers.h.
#include "engine/timers.h"

namespace brig::engine {

void Timers::stop() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Timers::call_after(Clock::duration delay, std::function<void()> action) {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    due_.emplace(Clock::now() + delay, std::move(action));
    if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
    changed_.notify_all();
}

void Timers::loop() {
    std::unique_lock lock(mutex_);
    while (!closing_) {
        if (due_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const auto first = due_.begin();
        if (Clock::now() < first->first) {
            const auto until = first->first;
            changed_.wait_until(lock, until);
            continue;
        }
        auto action = std::move(first->second);
        due_.erase(first);
        lock.unlock();
        action();
        lock.lock();
    }
}

}  // namespace brig::engine
