// See transfers.h.
#include "image/transfers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/defer.h"
#include "base/error.h"

namespace brig::image {
namespace {

constexpr std::int64_t interval_ms = 100;

}  // namespace

Transfers::Transfers(std::size_t count, std::vector<Stage> stages, std::atomic<bool>& stop)
    : count_(count), stop_(stop) {
    for (auto& stage : stages) lanes_.push_back({std::move(stage), std::vector<bool>(count)});
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
        for (std::size_t i = 0; i < std::min(count, lanes_[lane].stage.threads); ++i)
            threads_.emplace_back([this, lane] { loop(lane); });
    }
}

Transfers::~Transfers() {
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void Transfers::loop(std::size_t stage) {
    std::unique_lock lock(mutex_);
    Lane& lane = lanes_[stage];
    while (lane.next < count_ && !stop_) {
        const std::size_t index = lane.next++;
        try {
            if (stage > 0) wait_for(lock, lanes_[stage - 1], index);
            work_on(lock, stage, index);
            lane.done[index] = true;
        } catch (...) {
            if (!failure_) failure_ = std::current_exception();
            stop_ = true;
        }
        changed_.notify_all();
    }
}

/// Called and left with the lock, which is not held meanwhile.
void Transfers::work_on(std::unique_lock<std::mutex>& lock, std::size_t stage, std::size_t index) {
    lock.unlock();
    const Defer again([&] { lock.lock(); });
    lanes_[stage].stage.work(index);
}

void Transfers::wait_for(std::unique_lock<std::mutex>& lock, const Lane& lane, std::size_t index) {
    changed_.wait(lock, [&] { return lane.done[index] || failure_ || stop_; });
    if (failure_) std::rethrow_exception(failure_);
    if (!lane.done[index]) throw Error(ErrorKind::cancelled, "transfer was given up");
}

void Transfers::wait(std::size_t index) {
    std::unique_lock lock(mutex_);
    wait_for(lock, lanes_.back(), index);
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
