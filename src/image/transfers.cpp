// See transfers.h.
#include "image/transfers.h"

#include <algorithm>
#include <chrono>

namespace brig::image {
namespace {

constexpr std::int64_t interval_ms = 100;

}  // namespace

Transfers::Transfers(std::size_t count, std::size_t threads, std::function<void(std::size_t)> work,
                     std::atomic<bool>& stop)
    : work_(std::move(work)), stop_(stop), done_(count) {
    for (std::size_t i = 0; i < std::min(count, threads); ++i)
        threads_.emplace_back([this] { loop(); });
}

Transfers::~Transfers() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
}

void Transfers::loop() {
    std::unique_lock lock(mutex_);
    while (next_ < done_.size() && !stop_) {
        const std::size_t index = next_++;
        lock.unlock();
        std::exception_ptr failure;
        try {
            work_(index);
        } catch (...) {
            failure = std::current_exception();
        }
        lock.lock();
        if (failure) {
            if (!failure_) failure_ = failure;
            stop_ = true;
        } else {
            done_[index] = true;
        }
        changed_.notify_all();
    }
}

void Transfers::wait(std::size_t index) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_[index] || failure_; });
    if (failure_) std::rethrow_exception(failure_);
}

void Reporter::tell(const TransferEvent& event) {
    const std::scoped_lock lock(mutex_);
    if (progress_) progress_(event);
}

void Reporter::count(const TransferEvent& event, std::int64_t& last) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::steady_clock::now().time_since_epoch())
                         .count();
    if (now - last < interval_ms) return;
    last = now;
    tell(event);
}

}  // namespace brig::image
