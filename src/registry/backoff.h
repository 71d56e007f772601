// When to try again, and when to give up.
#pragma once

#include <chrono>
#include <optional>

#include "registry/settings.h"

namespace brig::registry {

class Backoff {
public:
    Backoff(const Settings& settings, const Cancelled& cancelled)
        : settings_(settings), cancelled_(cancelled) {}

    /// Waits, twice as long as the last time, or as long as a server asked for; false, at once,
    /// when that was tried often enough or would take too long.
    bool wait(std::optional<std::chrono::seconds> asked_for = {});
    /// There was progress: count from the beginning.
    void reset() { failures_ = 0; }

private:
    void sleep(std::chrono::milliseconds delay) const;

    const Settings& settings_;
    const Cancelled& cancelled_;
    int failures_ = 0;
};

}  // namespace brig::registry
