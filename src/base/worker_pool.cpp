// Threads are detached and counted rather than kept as objects, so that an idle one can simply go.
#include "base/worker_pool.h"

#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/log.h"

namespace brig {
namespace {

constexpr auto idle_time = std::chrono::seconds(5);

void run(const std::function<void()>& work) {
    try {
        work();
    } catch (...) {
        log::error("background work failed: {}", describe(std::current_exception()));
    }
}

}  // namespace

WorkerPool::~WorkerPool() {
    std::unique_lock lock(mutex_);
    closing_ = true;
    wake_.notify_all();
    ended_.wait(lock, [&] { return threads_ == 0; });
}

void WorkerPool::submit(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (idle_ >= queue_.size()) {
        wake_.notify_one();
    } else if (threads_ < max_threads_) {
        start_thread();
    }
}

void WorkerPool::start_thread() {
    try {
        std::thread([this] { loop(std::unique_lock(mutex_)); }).detach();
        ++threads_;
    } catch (const std::system_error& error) {
        // With any thread left the work waits its turn; with none it would wait for ever.
        if (threads_ > 0) return;
        queue_.pop_back();
        throw Error(ErrorKind::unavailable, "cannot start a thread: {}", error.what());
    }
}

void WorkerPool::loop(std::unique_lock<std::mutex> lock) {
    for (;;) {
        while (!queue_.empty()) {
            auto work = std::move(queue_.front());
            queue_.pop_front();
            lock.unlock();
            run(work);
            work = nullptr;  // what it owns goes before the lock is taken
            lock.lock();
        }
        if (closing_) break;
        ++idle_;
        const bool woken =
            wake_.wait_for(lock, idle_time, [&] { return closing_ || !queue_.empty(); });
        --idle_;
        if (woken) continue;
        if (threads_ > 1 || !when_idle_) break;
        lock.unlock();
        run(when_idle_);
        lock.lock();
        if (queue_.empty()) break;
    }
    --threads_;
    // Under the lock: once it is released the pool may be gone.
    ended_.notify_all();
}

}  // namespace brig
