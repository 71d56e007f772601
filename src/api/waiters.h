// Clients that wait for a container's end: many, for days, and some give up.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/fd.h"

namespace brig::api {

/// Where the result goes when it is known; the engine's callback holds it until then.
class Waiter {
public:
    explicit Waiter(Fd sink) : sink_(std::move(sink)) {}
    /// Writes `result` and ends the stream; nothing if the client has gone.
    void finish(const std::string& result);
    /// Closes the stream of a client that has gone; true if it is over either way.
    bool drop_if_gone();

private:
    std::mutex mutex_;
    Fd sink_;
};

/// Keeps no descriptors of clients that gave up, although nothing happens to their containers.
class Waiters {
public:
    std::shared_ptr<Waiter> add(Fd sink);

private:
    std::mutex mutex_;
    std::vector<std::weak_ptr<Waiter>> all_;
    std::chrono::steady_clock::time_point swept_{};
};

}  // namespace brig::api
