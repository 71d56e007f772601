// The system goes down: every container ends by its own stop signal and timeout, and none of it
// counts as the user's doing, so that restart policies hold at the next start.
#include "base/log.h"
#include "engine/impl.h"

namespace brig::engine {
namespace {

using Clock = std::chrono::steady_clock;

struct Ending {
    ContainerPtr container;
    Clock::time_point deadline;
};

}  // namespace

void Engine::end_all() {
    impl_->ending = true;
    std::vector<Ending> endings;
    for (const auto& container : impl_->table.all()) {
        impl_->await_start(*container);
        Record record;
        {
            const std::lock_guard lock(container->mutex);
            record = container->record;
            container->stop_requested = true;
        }
        if (!record.state.running()) continue;
        impl_->signal_task(*container, stop_signal_of(record));
        endings.push_back({container, Clock::now() + stop_timeout_of(record)});
    }
    for (const auto& [container, deadline] : endings) {
        const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - Clock::now());
        try {
            if (!impl_->await_exit(*container, left)) impl_->kill_and_await(*container);
        } catch (const Error& e) {
            log::warn("container {}: {}", container->id, e.message());
        }
    }
}

}  // namespace brig::engine
