// A stage of the pipeline on a thread of its own: inflating and hashing go on while files are
// written. A few large buffers circulate between the two sides.
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "archive/stream.h"

namespace brig::archive {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::size_t max_buffers = 4;

class ThreadedSource : public Source {
public:
    explicit ThreadedSource(Source& source) : source_(source), worker_([this] { run(); }) {}
    ThreadedSource(const ThreadedSource&) = delete;
    ThreadedSource& operator=(const ThreadedSource&) = delete;
    ~ThreadedSource() override {
        {
            const std::scoped_lock lock(mutex_);
            abandoned_ = true;
        }
        changed_.notify_all();
        worker_.join();
    }

    std::span<const std::byte> next() override {
        std::unique_lock lock(mutex_);
        if (!current_.empty()) free_.push_back(std::move(current_));
        current_.clear();
        changed_.notify_all();
        changed_.wait(lock, [this] { return !full_.empty() || ended_; });
        if (full_.empty()) {
            if (failure_) std::rethrow_exception(failure_);
            return {};
        }
        current_ = std::move(full_.front());
        full_.pop_front();
        return current_;
    }

private:
    using Buffer = std::vector<std::byte>;

    /// An empty buffer to fill; nothing when the reader has gone.
    std::optional<Buffer> take_free() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return abandoned_ || full_.size() < max_buffers; });
        if (abandoned_) return std::nullopt;
        Buffer buffer;
        if (!free_.empty()) {
            buffer = std::move(free_.back());
            free_.pop_back();
        }
        buffer.clear();
        return buffer;
    }

    void hand_over(Buffer buffer) {
        const std::scoped_lock lock(mutex_);
        if (!buffer.empty()) full_.push_back(std::move(buffer));
        changed_.notify_all();
    }

    void run() {
        try {
            for (bool more = true; more;) {
                auto buffer = take_free();
                if (!buffer) return;
                // Small pieces are gathered, so that the two sides meet seldom.
                while (buffer->size() < buffer_bytes) {
                    const auto chunk = source_.next();
                    more = !chunk.empty();
                    if (!more) break;
                    buffer->insert(buffer->end(), chunk.begin(), chunk.end());
                }
                hand_over(std::move(*buffer));
            }
        } catch (...) {
            failure_ = std::current_exception();
        }
        const std::scoped_lock lock(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

    Source& source_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Buffer> full_;
    std::vector<Buffer> free_;
    Buffer current_;
    std::exception_ptr failure_;
    bool ended_ = false;
    bool abandoned_ = false;
    std::thread worker_;
};

}  // namespace

std::unique_ptr<Source> on_own_thread(Source& source) {
    return std::make_unique<ThreadedSource>(source);
}

}  // namespace brig::archive
