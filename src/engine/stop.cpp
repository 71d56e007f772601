// Ending and freezing containers.
#include <csignal>

#include "base/log.h"
#include "engine/impl.h"
#include "engine/signals.h"
#include "shim/client.h"

namespace brig::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto death_takes_at_most = 10s;
constexpr int default_timeout = 10;  ///< seconds

}  // namespace

int stop_signal_of(const Record& record) {
    return record.config.stop_signal.empty() ? SIGTERM : parse_signal(record.config.stop_signal);
}

std::chrono::seconds stop_timeout_of(const Record& record) {
    const int seconds = record.config.stop_timeout.value_or(default_timeout);
    return std::chrono::seconds(seconds < 0 ? default_timeout : seconds);
}

Error not_running(const Container& container) {
    return {ErrorKind::conflict, "container {} is not running", container.id};
}

/// Whoever ends a container that is just being started means the one that will run.
void Engine::Impl::await_start(Container& container) {
    const std::lock_guard operation(container.operation);
}

/// A task that is gone already has its exit on the way.
void Engine::Impl::signal_task(Container& container, int signal) {
    try {
        parts.tasks->kill(container.id, "", signal, false);
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::not_found && e.kind() != ErrorKind::failed_precondition) throw;
    }
    // A frozen process sees no signal but the deadly ones, on cgroup v1 not even those.
    if (container.state().status != Status::paused) return;
    try {
        parts.tasks->resume(container.id);
        const std::lock_guard lock(container.mutex);
        if (container.record.state.status == Status::paused)
            container.record.state.status = Status::running;
    } catch (const Error& e) {
        log::debug("resuming container {}: {}", container.id, e.message());
    }
}

bool Engine::Impl::await_exit(Container& container, std::optional<std::chrono::seconds> limit) {
    std::unique_lock lock(container.mutex);
    const auto over = [&] { return !container.record.state.running(); };
    if (!limit) {
        container.changed.wait(lock, over);
        return true;
    }
    return container.changed.wait_for(lock, *limit, over);
}

void Engine::Impl::kill_and_await(Container& container) {
    signal_task(container, SIGKILL);
    if (!await_exit(container, death_takes_at_most)) {
        throw Error(ErrorKind::internal,
                    "cannot kill container: {}: it is still running {} s after SIGKILL",
                    container.id, death_takes_at_most.count());
    }
}

bool Engine::Impl::stop(const ContainerPtr& container, std::optional<int> signal,
                        std::optional<int> timeout) {
    Record record;
    await_start(*container);
    {
        const std::lock_guard lock(container->mutex);
        record = container->record;
        if (record.state.running() || record.state.status == Status::restarting) {
            container->stop_requested = true;
            container->record.stopped_by_user = true;
        }
        if (record.state.status == Status::restarting) {
            container->record.state.status = Status::exited;
            container->changed.notify_all();
        }
    }
    if (!record.state.running()) {
        if (record.state.status != Status::restarting) return false;
        table.save(*container);
        publish(record, "stop");
        return true;
    }
    signal_task(*container, signal.value_or(stop_signal_of(record)));
    const int seconds = timeout.value_or(record.config.stop_timeout.value_or(default_timeout));
    const auto limit = seconds < 0 ? std::nullopt : std::optional(std::chrono::seconds(seconds));
    if (!await_exit(*container, limit)) {
        log::info("container {} did not end within {} s of its stop signal and is killed",
                  container->id, seconds);
        kill_and_await(*container);
    }
    publish(record, "stop");
    return true;
}

bool Engine::stop(const std::string& ref, std::optional<std::string> signal,
                  std::optional<int> timeout) {
    std::optional<int> number;
    if (signal && !signal->empty()) number = parse_signal(*signal);
    return impl_->stop(impl_->table.find(ref), number, timeout);
}

void Engine::restart(const std::string& ref, std::optional<std::string> signal,
                     std::optional<int> timeout) {
    const auto container = impl_->table.find(ref);
    std::optional<int> number;
    if (signal && !signal->empty()) number = parse_signal(*signal);
    const auto keep = [&](bool value) {
        const std::lock_guard lock(container->mutex);
        container->keep = value;
    };
    keep(true);
    try {
        impl_->stop(container, number, timeout);
        start(container->id);
    } catch (...) {
        keep(false);
        throw;
    }
    keep(false);
    impl_->publish(container->snapshot(), "restart");
}

void Engine::kill(const std::string& ref, const std::string& signal) {
    const int number = signal.empty() ? SIGKILL : parse_signal(signal);
    const auto container = impl_->table.find(ref);
    Record record;
    impl_->await_start(*container);
    {
        const std::lock_guard lock(container->mutex);
        record = container->record;
        if (!record.state.running()) {
            throw Error(ErrorKind::conflict,
                        "cannot kill container: {}: container {} is not running", ref,
                        container->id);
        }
        if (number == SIGKILL || number == stop_signal_of(record)) {
            container->stop_requested = true;
            container->record.stopped_by_user = true;
        }
    }
    if (number == SIGKILL) {
        impl_->kill_and_await(*container);
    } else {
        try {
            impl_->parts.tasks->kill(container->id, "", number, false);
        } catch (const Error& e) {
            if (e.kind() == ErrorKind::not_found || e.kind() == ErrorKind::failed_precondition)
                throw not_running(*container);
            throw;
        }
    }
    impl_->publish(record, "kill", {{"signal", std::to_string(number)}});
}

void Engine::pause(const std::string& ref) {
    const auto container = impl_->table.find(ref);
    const std::lock_guard operation(container->operation);
    const auto state = container->state();
    if (!state.running()) throw not_running(*container);
    if (state.status == Status::paused) {
        throw Error(ErrorKind::conflict, "container {} is already paused", container->id);
    }
    impl_->parts.tasks->pause(container->id);
    {
        const std::lock_guard lock(container->mutex);
        container->record.state.status = Status::paused;
    }
    impl_->table.save(*container);
    impl_->publish(container->snapshot(), "pause");
}

void Engine::unpause(const std::string& ref) {
    const auto container = impl_->table.find(ref);
    const std::lock_guard operation(container->operation);
    if (container->state().status != Status::paused) {
        throw Error(ErrorKind::conflict, "container {} is not paused", container->id);
    }
    impl_->parts.tasks->resume(container->id);
    {
        const std::lock_guard lock(container->mutex);
        container->record.state.status = Status::running;
    }
    impl_->table.save(*container);
    impl_->publish(container->snapshot(), "unpause");
}

}  // namespace brig::engine
