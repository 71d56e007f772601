// Work for later: restart policies' pauses.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace brig::engine {

/// One thread, started with the first timer. Actions run on it and must be short.
class Timers {
public:
    using Clock = std::chrono::steady_clock;

    Timers() = default;
    ~Timers() { stop(); }
    Timers(const Timers&) = delete;
    Timers& operator=(const Timers&) = delete;

    /// Nothing after stop().
    void call_after(Clock::duration delay, std::function<void()> action);

    /// Drops what has not come due and waits for the action under way.
    void stop();

private:
    void loop();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<Clock::time_point, std::function<void()>> due_;
    std::thread thread_;
    bool closing_ = false;
};

}  // namespace brig::engine
