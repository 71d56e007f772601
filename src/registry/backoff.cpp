// See backoff.h.
#include "registry/backoff.h"

#include <algorithm>
#include <thread>

#include "base/error.h"

namespace brig::registry {

bool Backoff::wait(std::optional<std::chrono::seconds> asked_for) {
    if (++failures_ >= settings_.attempts) return false;
    if (asked_for && *asked_for > settings_.longest_delay * 4) return false;
    auto delay = settings_.first_delay * (1 << std::min(failures_ - 1, 16));
    delay = std::min(delay, settings_.longest_delay);
    sleep(asked_for ? std::chrono::milliseconds(*asked_for) : delay);
    return true;
}

void Backoff::sleep(std::chrono::milliseconds delay) const {
    if (settings_.sleep) return settings_.sleep(delay);
    const auto end = std::chrono::steady_clock::now() + delay;
    while (std::chrono::steady_clock::now() < end) {
        if (cancelled_ && cancelled_()) throw Error(ErrorKind::cancelled, "cancelled");
        std::this_thread::sleep_for(std::min(delay, std::chrono::milliseconds(100)));
    }
}

}  // namespace brig::registry
