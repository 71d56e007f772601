// Has what a transfer writes flushed while it goes on, so that little is left of the flush that the
// image's row in the database has to wait for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>

#include "content/store.h"

namespace brig::image {

/// Thread-safe. Failures are left to the flush that counts.
class EarlyFlush {
public:
    explicit EarlyFlush(const content::Store& content) : content_(content) {}
    /// So many bytes more; of what, does not matter much.
    void wrote(std::uint64_t bytes);

private:
    void start();
    void run(const std::stop_token& stop);

    const content::Store& content_;
    std::mutex mutex_;
    std::condition_variable_any due_;
    std::uint64_t pending_ = 0;
    std::jthread worker_;  ///< from the first flush on
};

}  // namespace brig::image
