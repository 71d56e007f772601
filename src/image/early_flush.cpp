// See early_flush.h.
#include "image/early_flush.h"

#include <system_error>

#include "base/error.h"
#include "base/log.h"

namespace brig::image {
namespace {

/// Seldom enough that a slow transfer does not keep the host's journal busy.
constexpr std::uint64_t worth_a_flush = 16U << 20U;

}  // namespace

void EarlyFlush::wrote(std::uint64_t bytes) {
    const std::scoped_lock lock(mutex_);
    pending_ += bytes;
    if (pending_ < worth_a_flush) return;
    if (!worker_.joinable()) start();
    due_.notify_one();
}

void EarlyFlush::start() {
    try {
        worker_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    } catch (const std::system_error& e) {
        pending_ = 0;  // not tried again with every write
        log::debug("early flush: {}", e.what());
    }
}

void EarlyFlush::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (due_.wait(lock, stop, [this] { return pending_ >= worth_a_flush; })) {
        pending_ = 0;
        lock.unlock();
        try {
            content_.sync();
        } catch (const Error& e) {
            log::debug("early flush: {}", e.message());
        }
        lock.lock();
    }
}

}  // namespace brig::image
