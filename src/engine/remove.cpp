// Removal and renaming.
#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/log.h"
#include "engine/filters.h"
#include "engine/impl.h"
#include "engine/names.h"
#include "network/network.h"
#include "os/file_flags.h"
#include "shim/client.h"
#include "volume/store.h"

namespace brig::engine {

namespace {

Error busy(const Record& record) {
    const bool paused = record.state.status == Status::paused;
    return {ErrorKind::conflict,
            "cannot remove container \"/{}\": container is {}: {} before removing or force remove",
            record.name, to_string(record.state.status),
            paused ? "unpause and stop the container" : "stop the container"};
}

/// The anonymous volumes that no other container has (by --volumes-from).
Strings volumes_of_its_own(const ContainerTable& table, const Record& record) {
    Strings own;
    for (const auto& mount : record.mounts) {
        if (mount.anonymous) own.push_back(mount.name);
    }
    if (own.empty()) return own;
    for (const auto& other : table.all()) {
        if (other->id == record.id) continue;
        for (const auto& mount : other->snapshot().mounts) std::erase(own, mount.name);
    }
    return own;
}

}  // namespace

void Engine::Impl::remove(const ContainerPtr& container, bool force, bool volumes) {
    const auto alive = [&] {
        const auto status = container->state().status;
        return status == Status::running || status == Status::paused ||
               status == Status::restarting;
    };
    await_start(*container);
    if (alive()) {
        if (!force) throw busy(container->snapshot());
        {
            const std::lock_guard lock(container->mutex);
            container->stop_requested = true;
            container->record.stopped_by_user = true;
            auto& status = container->record.state.status;
            if (status == Status::restarting) status = Status::exited;
        }
        if (container->state().running()) kill_and_await(*container);
    }
    const std::lock_guard operation(container->operation);
    if (container->removed) return;  // --rm was quicker
    if (alive()) throw busy(container->snapshot());
    remove_locked(*container, volumes);
}

/// The row goes first: from then on the container does not exist, and what a killed engine leaves
/// of it is swept at the next start. So nobody who waits has to wait for its files to be deleted,
/// which nobody can see any more.
void Engine::Impl::remove_locked(Container& container, bool volumes) {
    const Record record = container.snapshot();
    const Strings doomed = volumes ? volumes_of_its_own(table, record) : Strings{};
    for (const auto& name : doomed) parts.volumes->give_up(name);
    table.erase(container);
    {
        const std::lock_guard lock(container.mutex);
        container.record.state.status = Status::removing;
        container.removed = true;
        container.changed.notify_all();
    }
    const auto attempt = [&](std::string_view what, const auto& action) {
        try {
            action();
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::not_found)
                log::warn("removing container {}: {}: {}", record.id, what, e.message());
        }
    };
    std::optional<TempDir> rubbish;
    attempt("snapshot", [&] {
        if (auto left = parts.snapshots->remove(snapshot_of(record.id)))
            rubbish.emplace(std::move(*left));
    });
    for (const auto& name : doomed) attempt("volume", [&] { parts.volumes->remove(name); });
    publish(record, "destroy");
    fire_waiters(container, true);
    // The container may have given its /etc/hosts flags.
    attempt("files", [&] { os::remove_protected_tree_at(AT_FDCWD, files_of(record.id)); });
}

void Engine::remove(const std::string& ref, bool force, bool volumes) {
    impl_->remove(impl_->table.find(ref), force, volumes);
}

void Engine::rename(const std::string& ref, const std::string& name) {
    const auto container = impl_->table.find(ref);
    if (name.empty() || name == "/") {
        throw Error(ErrorKind::invalid_argument, "Neither old nor new names may be empty");
    }
    const std::string checked = check_name(name);
    const std::lock_guard operation(container->operation);
    const std::string old = container->name();
    if (old == checked) {
        throw Error(ErrorKind::invalid_argument,
                    "Renaming a container with the same name as its current name");
    }
    impl_->table.rename(*container, checked);
    if (impl_->parts.networks) impl_->parts.networks->rename(container->id, checked);
    impl_->publish(container->snapshot(), "rename", {{"oldName", "/" + old}});
}

nlohmann::json Engine::prune(const Filters& filters) {
    allow_only(filters, {"until", "label", "label!"});
    const auto until = until_of(filters);
    auto deleted = nlohmann::json::array();
    std::uint64_t bytes = 0;
    for (const auto& container : impl_->table.all()) {
        const Record record = container->snapshot();
        const auto status = record.state.status;
        if (status != Status::created && status != Status::exited && status != Status::dead)
            continue;
        if (until && record.created >= *until) continue;
        if (!matches_labels(record.config.labels, filters)) continue;
        try {
            const auto size = impl_->parts.snapshots->usage(Impl::snapshot_of(record.id)).bytes;
            impl_->remove(container, false, false);
            bytes += size;
            deleted.push_back(record.id);
        } catch (const Error& e) {
            log::warn("pruning container {}: {}", record.id, e.message());
        }
    }
    return {{"ContainersDeleted", std::move(deleted)}, {"SpaceReclaimed", bytes}};
}

}  // namespace brig::engine
