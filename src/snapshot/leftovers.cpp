// See leftovers.h.
#include "snapshot/leftovers.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "base/log.h"

namespace brig::snapshot {
namespace {

using namespace std::chrono_literals;

/// The kernel lets go of most within this.
constexpr std::chrono::milliseconds first_pause = 100ms;
/// Of what somebody holds for hours.
constexpr std::chrono::milliseconds longest_pause = 1min;

}  // namespace

void Leftovers::add(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    ids_.insert(id);
    pause_ = first_pause;
    changed_.notify_all();
    if (running_) return;
    try {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
        running_ = true;
    } catch (const std::system_error& error) {
        // Whatever is added next starts one for them all, or the next start of the engine.
        log::warn("what is left of snapshot {} is not removed yet: {}", id, error.what());
    }
}

void Leftovers::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!ids_.empty()) {
        const auto pause = pause_;
        const bool is_new = changed_.wait_for(lock, stop, pause, [&] { return pause_ < pause; });
        if (stop.stop_requested()) break;
        if (is_new) continue;
        pause_ = std::min(pause * 2, longest_pause);
        const auto ids = ids_;
        lock.unlock();
        const auto gone = try_all(ids);
        lock.lock();
        std::erase_if(ids_, [&](std::uint64_t id) { return gone.contains(id); });
    }
    running_ = false;
}

std::set<std::uint64_t> Leftovers::try_all(
    const std::set<std::uint64_t, std::greater<>>& ids) const {
    std::set<std::uint64_t> gone;
    for (const auto id : ids) {
        try {
            destroy_(id);
            gone.insert(id);
        } catch (const std::exception& error) {
            log::debug("{}", error.what());
        }
    }
    return gone;
}

}  // namespace brig::snapshot
