// Threads for work that blocks: started on demand, kept for a while when idle, joined at the end.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace brig {

class WorkerPool {
public:
    /// `when_idle` runs on the last thread when it goes because nothing has been to do for a while.
    explicit WorkerPool(std::size_t max_threads, std::function<void()> when_idle = {})
        : max_threads_(max_threads), when_idle_(std::move(when_idle)) {}
    /// Waits for everything that was submitted.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Runs `work` on an idle thread, on a new one, or, past the limit, when one becomes free.
    /// An exception out of `work` is logged.
    void submit(std::function<void()> work);

private:
    void loop(std::unique_lock<std::mutex> lock);
    void start_thread();

    std::size_t max_threads_;
    std::function<void()> when_idle_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable ended_;
    std::deque<std::function<void()>> queue_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool closing_ = false;
};

}  // namespace brig
