// Datasets whose snapshots are gone, and that could not go with them: somebody is in them, or holds
// a ZFS snapshot of theirs (zfs send does). They are tried again by a thread that is there as long
// as any is left.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

namespace brig::snapshot {

class Leftovers {
public:
    /// `destroy` throws as long as it cannot.
    explicit Leftovers(std::function<void(std::uint64_t)> destroy) : destroy_(std::move(destroy)) {}

    void add(std::uint64_t id);

private:
    void run(const std::stop_token& stop);
    /// Those of `ids` that are gone now.
    [[nodiscard]] std::set<std::uint64_t> try_all(
        const std::set<std::uint64_t, std::greater<>>& ids) const;

    std::function<void(std::uint64_t)> destroy_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::set<std::uint64_t, std::greater<>> ids_;  ///< children before their parents
    std::chrono::milliseconds pause_{};
    bool running_ = false;
    std::jthread thread_;  ///< last: ends first
};

}  // namespace brig::snapshot
