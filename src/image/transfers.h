// Several blobs on their way at once: a few threads work through a list, stage by stage, and
// whoever needs an item waits for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace brig::image {

/// What pull and push report, in docker's words. Without `id` it is about the whole.
struct TransferEvent {
    std::string id;
    std::string status;
    std::uint64_t current = 0;
    std::uint64_t total = 0;
};
/// May be called from several threads, never at the same time.
using TransferProgress = std::function<void(const TransferEvent&)>;

class Transfers {
public:
    struct Stage {
        std::size_t threads;
        std::function<void(std::size_t)> work;
    };
    /// A stage's `work` gets each index below `count` once, lowest first, after the stage before
    /// has done it. `stop` becomes true when one has failed or when nobody needs the rest; `work`
    /// is to end soon then.
    Transfers(std::size_t count, std::vector<Stage> stages, std::atomic<bool>& stop);
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;
    ~Transfers();

    /// Returns when all stages are done with this item; throws what the first failure threw, of
    /// whichever item. The last stage's `work` may wait for lower items than its own.
    void wait(std::size_t index);

private:
    struct Lane {
        Stage stage;
        std::vector<bool> done;
        std::size_t next = 0;
    };
    void loop(std::size_t stage);
    void wait_for(std::unique_lock<std::mutex>& lock, const Lane& lane, std::size_t index);
    void work_on(std::unique_lock<std::mutex>& lock, std::size_t stage, std::size_t index);

    const std::size_t count_;
    std::vector<Lane> lanes_;
    std::atomic<bool>& stop_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

/// Passes events on one at a time, and of those about bytes only as many as anybody can read.
class Reporter {
public:
    explicit Reporter(const TransferProgress& progress) : progress_(progress) {}
    void tell(const TransferEvent& event);
    /// Bytes of one item; the caller keeps `last` from call to call.
    void count(const TransferEvent& event, std::int64_t& last);

private:
    const TransferProgress& progress_;
    std::mutex mutex_;
};

}  // namespace brig::image
