// What follows the end of a container's process, however it came about: the task is taken down,
// the state is told to everybody who waits, and policies decide what becomes of the container.
#include <algorithm>

#include "base/file.h"
#include "base/log.h"
#include "engine/impl.h"
#include "network/network.h"
#include "os/mounts.h"
#include "shim/client.h"

namespace brig::engine {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = 100ms;
constexpr auto longest_pause = 60s;
constexpr auto calm = 10s;  ///< a run as long as this was no quick failure

bool wants_restart(const Container& container, int exit_code) {
    const auto& record = container.record;
    const auto& policy = record.host.restart_policy;
    if (container.stop_requested || record.stopped_by_user) return false;
    if (policy.name == "always" || policy.name == "unless-stopped") return true;
    return policy.name == "on-failure" && exit_code != 0 &&
           (policy.maximum_retry_count == 0 || record.restart_count < policy.maximum_retry_count);
}

std::chrono::milliseconds next_pause(Container& container, const State& state) {
    const bool quick =
        state.started_at && state.finished_at && *state.finished_at - *state.started_at < calm;
    container.quick_exits = quick ? container.quick_exits + 1 : 0;
    const auto doubled = first_pause * (1 << std::min(container.quick_exits, 10));
    return std::min<std::chrono::milliseconds>(doubled / (quick ? 2 : 1), longest_pause);
}

}  // namespace

void Engine::Impl::on_task_exit(const shim::TaskExit& exit) {
    background.submit([this, exit] { handle_exit(exit); });
}

void Engine::Impl::handle_exit(const shim::TaskExit& exit) {
    if (!exit.exec_id.empty()) {
        exec_ended(exit.exec_id, exit.status);
        try {
            parts.tasks->remove(exit.id, exit.exec_id);
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::not_found)
                log::warn("exec {}: {}", exit.exec_id, e.message());
        }
        return;
    }
    const auto container = table.find_id(exit.id);
    if (!container) return;
    const std::lock_guard operation(container->operation);
    // The shim repeats itself until the task is removed.
    if (container->removed || !container->state().running()) return;
    if (container->state().pid != exit.pid && exit.pid != 0) return;
    finish_locked(*container, exit);
}

/// What of a running container others could still meet: its processes, its address, its ports.
/// Never throws.
void Engine::Impl::take_down(const std::string& id) {
    const auto attempt = [&](std::string_view what, const auto& action) {
        try {
            action();
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::not_found)
                log::warn("container {}: {}: {}", id, what, e.message());
        }
    };
    attempt("task", [&] { parts.tasks->remove(id); });
    if (parts.networks) attempt("network", [&] { parts.networks->detach(id); });
    attempt("shared memory", [&] { os::unmount(shared_memory_of(id)); });
}

void Engine::Impl::remove_bundle(const std::string& id) {
    try {
        remove_tree(bundle_of(id));
    } catch (const Error& e) {
        log::warn("container {}: {}", id, e.message());
    }
}

/// Everything that a running container has and one at rest has not. Never throws.
void Engine::Impl::release_task(const std::string& id) {
    take_down(id);
    remove_bundle(id);
}

/// Deleting files comes last: whoever waits is told before.
void Engine::Impl::finish_locked(Container& container, const shim::TaskExit& exit) {
    take_down(container.id);
    bool restart = false;
    bool keep = false;
    std::chrono::milliseconds pause{};
    Record record;
    {
        const std::lock_guard lock(container.mutex);
        auto& state = container.record.state;
        state.exit_code = exit.status;
        state.oom_killed = exit.oom_killed;
        state.finished_at = exit.at;
        state.pid = 0;
        ++container.run;
        if (state.health) state.health->status = "unhealthy";  // as docker has it
        restart = wants_restart(container, exit.status);
        state.status = restart ? Status::restarting : Status::exited;
        if (restart) ++container.record.restart_count;
        pause = next_pause(container, state);
        keep = container.keep;
        record = container.record;
        container.changed.notify_all();
    }
    {
        const std::lock_guard lock(exec_mutex);
        std::erase_if(execs, [&](const auto& entry) {
            return entry.second->container_id == container.id &&
                   entry.second->phase != Exec::Phase::running;
        });
    }
    if (!record.host.auto_remove) table.save(container);
    if (exit.oom_killed) publish(record, "oom");
    publish(record, "die", {{"exitCode", std::to_string(exit.status)}});
    fire_waiters(container, false);
    if (record.host.auto_remove && !keep) remove_locked(container, true);
    remove_bundle(container.id);
    if (restart) {
        schedule_restart(table.find_id(container.id), pause);
    }
}

void Engine::Impl::schedule_restart(const ContainerPtr& container,
                                    std::chrono::milliseconds delay) {
    timers.call_after(delay, [this, container] {
        background.submit([this, container] {
            const std::lock_guard operation(container->operation);
            if (container->removed || container->state().status != Status::restarting) return;
            if (ending) return;
            try {
                start_locked(*container);
            } catch (const Error& e) {
                log::warn("restarting container {}: {}", container->id, e.message());
            }
        });
    });
}

void Engine::Impl::fire_waiters(Container& container, bool removed) {
    std::vector<Waiter> due;
    WaitResult result;
    {
        const std::lock_guard lock(container.mutex);
        // Who waits for a container whose start fails hears of it from the start.
        result.status = container.record.state.exit_code;
        auto& all = container.waiters;
        const auto later = std::ranges::stable_partition(all, [&](const Waiter& waiter) {
            return removed || waiter.condition != WaitCondition::removed;
        });
        std::ranges::move(all.begin(), later.begin(), std::back_inserter(due));
        all.erase(all.begin(), later.begin());
    }
    for (const auto& waiter : due) waiter.done(result);
}

void Engine::wait(const std::string& ref, WaitCondition condition,
                  std::function<void(WaitResult)> done) {
    const auto container = impl_->table.find(ref);
    WaitResult now_true;
    {
        const std::lock_guard lock(container->mutex);
        const auto& state = container->record.state;
        const bool due =
            container->removed || (condition == WaitCondition::not_running && !state.running() &&
                                   state.status != Status::restarting);
        if (!due) {
            container->waiters.push_back({condition, std::move(done)});
            return;
        }
        now_true = {state.exit_code, state.error};
    }
    done(now_true);
}

}  // namespace brig::engine
