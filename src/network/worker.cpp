#include "network/worker.h"

#include <exception>

#include "base/error.h"
#include "base/log.h"

namespace brig::network {

Worker::Worker() : thread_([this] { run(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Worker::post(std::function<void()> task, std::chrono::milliseconds delay) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.emplace(Clock::now() + delay, std::move(task));
    }
    changed_.notify_all();
}

void Worker::drain() {
    std::unique_lock lock(mutex_);
    ++draining_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return tasks_.empty() && !busy_; });
    --draining_;
}

/// False: there will be none any more.
bool Worker::wait_for_task(std::unique_lock<std::mutex>& lock) {
    for (;;) {
        const bool hurry = stopping_ || draining_ > 0;
        if (tasks_.empty()) {
            if (stopping_) return false;
            changed_.wait(lock);
            continue;
        }
        const auto due = tasks_.begin()->first;
        if (hurry || due <= Clock::now()) return true;
        changed_.wait_until(lock, due);
    }
}

void Worker::run() {
    std::unique_lock lock(mutex_);
    while (wait_for_task(lock)) {
        auto task = std::move(tasks_.begin()->second);
        tasks_.erase(tasks_.begin());
        busy_ = true;
        lock.unlock();
        try {
            task();
        } catch (...) {
            log::warn("network: {}", describe(std::current_exception()));
        }
        task = nullptr;
        lock.lock();
        busy_ = false;
        changed_.notify_all();
    }
}

}  // namespace brig::network
