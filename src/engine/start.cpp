// From a container at rest to a running task: network, files, user, volumes, config.json, shim.
// This is the path whose time users feel: no flush, no helper process, no mount unless an image is
// seen for the first time or a volume has to be filled.
#include <unistd.h>

#include <algorithm>

#include "base/defer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "engine/impl.h"
#include "engine/spec.h"
#include "engine/task_files.h"
#include "network/network.h"
#include "os/mounts.h"
#include "shim/client.h"
#include "volume/store.h"

namespace brig::engine {
namespace {

shim::LogOptions log_options(const Record& record, const std::filesystem::path& path) {
    if (record.host.log_config.type == "none") return {};
    shim::LogOptions options{path, 0, 1};
    const auto& config = record.host.log_config.config;
    if (const auto size = config.find("max-size"); size != config.end()) {
        const auto bytes = parse_bytes(size->second);
        if (!bytes || *bytes <= 0) {
            throw Error(ErrorKind::invalid_argument, "invalid value for max-size: {}",
                        size->second);
        }
        options.max_size = static_cast<std::uint64_t>(*bytes);
    }
    if (const auto files = config.find("max-file"); files != config.end()) {
        const auto count = parse_int<int>(files->second);
        if (!count || *count < 1 || *count > 1000) {
            throw Error(ErrorKind::invalid_argument, "invalid value for max-file: {}",
                        files->second);
        }
        options.max_files = *count;
    }
    return options;
}

/// What --rm will delete in any case need not reach the disk.
Durability durability_of(const Record& record) {
    return record.host.auto_remove ? Durability::rebuildable : Durability::durable;
}

network::AttachRequest attach_request(const Record& record) {
    network::AttachRequest request{
        .container_id = record.id, .container_name = record.name, .jail = record.id};
    for (const auto& [port, bindings] : record.host.port_bindings) {
        for (const auto& binding : bindings) {
            request.ports.push_back(
                network::parse_port_binding(port, binding.host_ip, binding.host_port));
        }
    }
    if (record.host.publish_all_ports) {
        for (const auto& port : record.config.exposed_ports) {
            const auto given = record.host.port_bindings.find(port);
            if (given == record.host.port_bindings.end() || given->second.empty()) {
                request.ports.push_back(network::parse_port_binding(port, "", ""));
            }
        }
    }
    for (const auto& [name, endpoint] : record.networking.endpoints) {
        if (!endpoint.mac_address.empty())
            request.mac = os::MacAddress::parse(endpoint.mac_address);
        if (!endpoint.ipv4_address.empty())
            request.ip = os::Ipv4Address::parse(endpoint.ipv4_address);
    }
    return request;
}

/// The command could not be run, as opposed to the container not being made.
bool concerns_command(const Error& error) {
    return error.message().find("exec: \"") != std::string::npos;
}

int start_exit_code(const Error& error) {
    if (!concerns_command(error)) return 128;
    return error.kind() == ErrorKind::not_found ? 127 : 126;
}

/// Docker answers 400 to a command that does not exist, not 404: the container exists.
ErrorKind start_error_kind(const Error& error) {
    if (concerns_command(error)) return ErrorKind::invalid_argument;
    return error.kind() == ErrorKind::not_found ? ErrorKind::invalid_argument : error.kind();
}

}  // namespace

ResolvedUser Engine::Impl::user_of(const Record& record) {
    // What an earlier run may have changed is looked up anew.
    const bool pristine = !record.state.started_at;
    auto known = pristine ? accounts.find(record.image_id) : std::nullopt;
    if (!known) {
        const auto tree = os::MountedTree::mount(parts.snapshots->mounts(snapshot_of(record.id)),
                                                 bundle_of(record.id) / "rootfs");
        known = read_accounts(tree.root().get());
        if (pristine) accounts.put(record.image_id, *known);
    }
    return resolve_user(record.config.user, record.host.group_add, *known);
}

void Engine::Impl::populate(Container& container, const Record& record) {
    const auto to_fill = [](const MountPoint& mount) {
        return mount.type == "volume" && mount.copy_up;
    };
    if (record.populated) return;
    if (std::ranges::any_of(record.mounts, to_fill)) {
        const auto tree = os::MountedTree::mount(parts.snapshots->mounts(snapshot_of(record.id)),
                                                 bundle_of(record.id) / "rootfs");
        for (const auto& mount : record.mounts) {
            if (to_fill(mount))
                parts.volumes->copy_up(mount.name, tree.root().get(), mount.destination);
        }
    }
    const std::lock_guard lock(container.mutex);
    container.record.populated = true;
}

/// Where the network comes first, the namespace is in `inputs` afterwards.
std::optional<network::Endpoint> Engine::Impl::prepare_network(const Record& record,
                                                               SpecInputs& inputs) {
    inputs.files = files_of(record.id);
    const std::string mode = record.network();
    if (mode.starts_with("container:")) {
        join_network(mode.substr(10), inputs);
        return std::nullopt;
    }
    std::optional<network::Endpoint> endpoint;
    // In a user namespace the container makes its network's itself, so that it has rights over it.
    const bool own_users = !inputs.owners.empty();
    if (mode == "bridge" && parts.networks && network::precedes_create() && !own_users) {
        endpoint = parts.networks->attach(attach_request(record));
        inputs.network_namespace = endpoint->sandbox_path.string();
    }
    if (mode == "none" && parts.networks && !own_users) {
        inputs.isolated = parts.networks->isolate();
        if (inputs.isolated) {
            inputs.network_namespace =
                fmt::format("/proc/{}/fd/{}", ::getpid(), inputs.isolated.get());
        }
    }
    write_network_files(inputs.files, record, endpoint, inputs.owners);
    return endpoint;
}

int Engine::Impl::run_task(const Record& record, std::optional<network::Endpoint> endpoint) {
    const std::string& id = record.id;
    const shim::TaskSpec task{
        .id = id,
        .bundle = bundle_of(id),
        .rootfs = parts.snapshots->mounts(snapshot_of(id), durability_of(record)),
        .terminal = record.config.tty,
        .open_stdin = record.config.open_stdin,
        .stdin_once = record.config.stdin_once,
        .log = log_options(record, log_of(id))};
    if (endpoint || record.network() != "bridge" || !parts.networks) {
        const int pid = parts.tasks->launch(task);
        if (endpoint) parts.networks->started(id, pid);
        return pid;
    }
    auto request = attach_request(record);
    request.pid = parts.tasks->create(task);
    endpoint = parts.networks->attach(request);
    write_network_files(files_of(id), record, endpoint, owners_of(record));
    const int pid = parts.tasks->start(id);
    parts.networks->started(id, pid);
    return pid;
}

void Engine::Impl::launch(Container& container) {
    const Record record = container.snapshot();
    for (const auto& mount : record.mounts) {
        if (mount.type == "volume") parts.volumes->create({.name = mount.name});
    }
    make_directories(bundle_of(record.id) / "rootfs", 0700);
    Defer undo([&] { release_task(record.id); });

    SpecInputs inputs{.profiles = profiles()};
    inputs.init = parts.settings.init;
    inputs.rlimits = parts.settings.rlimits;
    inputs.owners = owners_of(record);
    auto endpoint = prepare_network(record, inputs);
    join_namespaces(record, inputs);
    inputs.user = user_of(record);
    populate(container, record);
    write_bundle(bundle_of(record.id), oci::to_json(make_spec(record, inputs)));
    const int pid = run_task(record, std::move(endpoint));
    undo.dismiss();

    const std::lock_guard lock(container.mutex);
    auto& state = container.record.state;
    state = State{.status = Status::running,
                  .pid = pid,
                  .started_at = now(),
                  .finished_at = state.finished_at};
    container.record.stopped_by_user = false;
    container.stop_requested = false;
    container.changed.notify_all();
}

/// Nobody waits for the note of a container that is to be removed at its end: what is not noted is
/// learnt from the shim, and no restart policy depends on it.
void Engine::Impl::note_start(Container& container) {
    const auto same = table.find_id(container.id);
    if (!same || !container.record.host.auto_remove) return table.save(container);
    background.submit([this, same] { table.save(*same); });
}

void Engine::Impl::start_locked(Container& container) {
    try {
        launch(container);
    } catch (const Error& e) {
        const Error told(
            start_error_kind(e),
            concerns_command(e)
                ? "failed to create task for container: failed to create shim task: OCI runtime "
                  "create failed: unable to start container process: " +
                      e.message()
                : e.message());
        {
            const std::lock_guard lock(container.mutex);
            auto& state = container.record.state;
            if (state.status == Status::restarting) state.status = Status::exited;
            state.exit_code = start_exit_code(e);
            state.error = told.message();
            state.pid = 0;
            state.finished_at = now();
            container.changed.notify_all();
        }
        table.save(container);
        publish(container.snapshot(), "die", {{"exitCode", std::to_string(start_exit_code(e))}});
        const bool gone = container.record.host.auto_remove;
        fire_waiters(container, false);
        if (gone) remove_locked(container, true);
        throw told;
    }
    if (const auto shared = table.find_id(container.id)) watch_health(shared);
    note_start(container);
    publish(container.snapshot(), "start");
}

bool Engine::start(const std::string& ref) {
    const auto container = impl_->table.find(ref);
    const std::lock_guard operation(container->operation);
    const auto state = container->state();
    if (container->removed || state.status == Status::removing || state.status == Status::dead) {
        throw Error(ErrorKind::conflict, "container is marked for removal and cannot be started");
    }
    if (state.status == Status::paused) {
        throw Error(ErrorKind::conflict, "cannot start a paused container, try unpause instead");
    }
    if (state.running()) return false;
    {
        const std::lock_guard lock(container->mutex);
        container->record.restart_count = 0;
    }
    impl_->start_locked(*container);
    return true;
}

}  // namespace brig::engine
