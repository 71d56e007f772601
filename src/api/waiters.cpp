// Looks for clients that have gone when others come, at most once a second.
#include "api/waiters.h"

#include <poll.h>

#include "base/error.h"
#include "base/log.h"

namespace brig::api {

void Waiter::finish(const std::string& result) {
    const std::lock_guard lock(mutex_);
    if (!sink_) return;
    try {
        write_all(sink_.get(), result);
    } catch (const Error&) {
        log::debug("nobody waits for a container's exit any more");
    }
    sink_.reset();
}

bool Waiter::drop_if_gone() {
    const std::lock_guard lock(mutex_);
    pollfd hangup{sink_.get(), 0, 0};
    if (sink_ && ::poll(&hangup, 1, 0) == 1) sink_.reset();
    return !sink_;
}

std::shared_ptr<Waiter> Waiters::add(Fd sink) {
    auto waiter = std::make_shared<Waiter>(std::move(sink));
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - swept_ > std::chrono::seconds(1)) {
        swept_ = now;
        std::erase_if(all_, [](const auto& weak) {
            const auto other = weak.lock();
            return !other || other->drop_if_gone();
        });
    }
    all_.push_back(waiter);
    return waiter;
}

}  // namespace brig::api
