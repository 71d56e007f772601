// One thread for what need not be waited for: taking back ports and links, refilling the stock.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace brig::network {

/// Carries out tasks in the order in which they are due. Tasks that throw are logged.
class Worker {
public:
    Worker();
    /// Carries out what is left, due or not.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void post(std::function<void()> task, std::chrono::milliseconds delay = {});
    /// Waits until everything is done; nothing is delayed meanwhile.
    void drain();

private:
    using Clock = std::chrono::steady_clock;
    void run();
    bool wait_for_task(std::unique_lock<std::mutex>& lock);
    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<Clock::time_point, std::function<void()>> tasks_;
    unsigned draining_ = 0;
    bool busy_ = false;
    bool stopping_ = false;
    std::thread thread_;  ///< last: starts when the rest is there
};

}  // namespace brig::network
