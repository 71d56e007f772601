// The start of the engine: what the database says, what the shim has, what lies on disk and what
// the network knows are brought into agreement, whenever and however the last engine ended.
#include <fcntl.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "base/file.h"
#include "base/log.h"
#include "engine/impl.h"
#include "network/network.h"
#include "os/container_view.h"
#include "os/file_flags.h"
#include "os/mounts.h"
#include "shim/client.h"
#include "volume/store.h"

namespace brig::engine {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

template <typename Action>
void attempt(std::string_view what, const Action& action) {
    try {
        action();
    } catch (const std::exception& e) {
        log::warn("recovery: {}: {}", what, e.what());
    }
}

void adopt(Container& container, const shim::TaskState& task) {
    const std::lock_guard lock(container.mutex);
    auto& state = container.record.state;
    state.status = task.status == shim::TaskStatus::paused ? Status::paused : Status::running;
    state.pid = task.pid;
    // Killed between the launch and the note of it.
    if (!state.started_at || (state.finished_at && *state.finished_at > *state.started_at))
        state.started_at = now();
}

/// Directories of `place` that belong to no container.
void sweep(const fs::path& place, const ContainerTable& table) {
    std::error_code error;
    std::vector<fs::path> orphans;
    for (const auto& entry : fs::directory_iterator(place, error)) {
        if (!table.owns(entry.path().filename().string())) orphans.push_back(entry.path());
    }
    for (const auto& orphan : orphans) {
        log::info("removing {}, which a killed engine has left", orphan.string());
        attempt(orphan.string(), [&] {
            os::unmount(orphan / "shm");
            os::ContainerView::clear(orphan);
            os::remove_protected_tree_at(AT_FDCWD, orphan);
        });
    }
}

/// Volumes that were on their way in or out together with a container. (Other anonymous volumes
/// without a container stay: `rm` without -v leaves them for their data.)
void settle_volumes(volume::Store& volumes, const ContainerTable& table) {
    const auto pending = volumes.provisional();
    if (pending.empty()) return;
    std::set<std::string> used;
    for (const auto& container : table.all()) {
        for (const auto& mount : container->snapshot().mounts) used.insert(mount.name);
    }
    for (const auto& name : pending) {
        attempt("volume " + name,
                [&] { used.contains(name) ? volumes.keep(name) : volumes.remove(name); });
    }
}

bool restarts_with_engine(const Record& record) {
    const auto& policy = record.host.restart_policy.name;
    if (policy == "always") return record.state.started_at.has_value();
    if (policy == "unless-stopped") return record.state.started_at && !record.stopped_by_user;
    return policy == "on-failure" && record.state.status == Status::restarting;
}

}  // namespace

void Engine::Impl::recover() {
    std::map<std::string, shim::TaskState> tasks;
    for (auto& task : parts.tasks->list()) {
        if (task.exec_id.empty()) tasks.emplace(task.id, std::move(task));
    }
    std::vector<network::LiveContainer> live;
    for (const auto& [id, task] : tasks) {
        const auto container = table.find_id(id);
        const bool alive =
            task.status == shim::TaskStatus::running || task.status == shim::TaskStatus::paused;
        if (container && alive) {
            adopt(*container, task);
            live.push_back({id, task.pid});
            attempt("container " + id, [&] { table.save(*container); });
        } else if (!container || !task.exit) {
            // Of a build, of a container whose row is gone, or created and never started.
            attempt("task " + id, [&] {
                if (task.status != shim::TaskStatus::stopped) {
                    parts.tasks->kill(id, "", SIGKILL, true);
                    parts.tasks->wait(id);
                }
                parts.tasks->remove(id);
            });
        }
    }
    if (parts.networks) attempt("networks", [&] { parts.networks->repair(live); });

    for (const auto& container : table.all()) {
        const std::lock_guard operation(container->operation);
        const auto task = tasks.find(container->id);
        const bool alive =
            std::ranges::any_of(live, [&](const auto& one) { return one.id == container->id; });
        if (alive) {
            watch_health(container);
            continue;
        }
        attempt("container " + container->id, [&] {
            if (!parts.snapshots->stat(snapshot_of(container->id))) {
                log::warn("container {} has lost its file system and is removed", container->id);
                release_task(container->id);
                remove_locked(*container, true);
                return;
            }
            if (task != tasks.end() && task->second.exit) {
                // It ended while no engine was there to see, perhaps not even its start.
                {
                    const std::lock_guard lock(container->mutex);
                    auto& begun = container->record.state.started_at;
                    if (!begun) begun = task->second.exit->at;
                }
                finish_locked(*container, *task->second.exit);
                return;
            }
            release_task(container->id);
            if (container->state().running()) {
                log::warn(
                    "container {} is gone without an exit code: the host or the shim was restarted",
                    container->id);
                finish_locked(*container, {container->id, "", 0, 255, now(), false});
            } else if (container->record.host.auto_remove && container->state().started_at) {
                remove_locked(*container, true);
            }
        });
    }
    settle_volumes(*parts.volumes, table);
    sweep(parts.settings.root / "containers", table);
    sweep(parts.settings.run / "tasks", table);
    for (const auto& snapshot : parts.snapshots->list()) {
        const std::string prefix = snapshot_of("");
        if (!snapshot.key.starts_with(prefix) || table.owns(snapshot.key.substr(prefix.size())))
            continue;
        attempt("snapshot " + snapshot.key, [&] { parts.snapshots->remove(snapshot.key); });
    }
    for (const auto& container : table.all()) {
        const Record record = container->snapshot();
        if (record.state.running() || !restarts_with_engine(record)) continue;
        if (record.state.status != Status::restarting) {
            const std::lock_guard lock(container->mutex);
            container->record.state.status = Status::restarting;
        }
        schedule_restart(container, 0ms);
    }
}

/// After the shim was away: exits are told again, but what a new shim knows nothing of would run
/// for ever in our books.
void Engine::Impl::reconcile() {
    for (const auto& container : table.all()) {
        const std::lock_guard operation(container->operation);
        if (container->removed || !container->state().running()) continue;
        attempt("container " + container->id, [&] {
            try {
                static_cast<void>(parts.tasks->state(container->id));
            } catch (const Error& e) {
                if (e.kind() != ErrorKind::not_found) throw;
                log::warn("container {} was lost with the shim", container->id);
                finish_locked(*container, {container->id, "", 0, 255, now(), false});
            }
        });
    }
}

}  // namespace brig::engine
