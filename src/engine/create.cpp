// Creation: everything is checked and made here except what only a running container needs. What
// was made is undone in reverse when a later step fails.
#include <filesystem>

#include "base/defer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/strings.h"
#include "engine/impl.h"
#include "engine/jail_options.h"
#include "engine/merge.h"
#include "engine/mounts.h"
#include "engine/names.h"
#include "engine/signals.h"
#include "engine/spec.h"
#include "image/image_platform.h"
#include "network/network.h"
#include "os/process_table.h"
#include "os/sandbox.h"
#include "volume/store.h"

namespace brig::engine {
namespace {

/// Undone on the way out of a failed creation; failures there are logged.
void undo(std::string_view what, const std::function<void()>& action) {
    try {
        action();
    } catch (const std::exception& e) {
        log::warn("undoing a creation: {}: {}", what, e.what());
    }
}

void check_process(const Record& record) {
    const auto line = record.command_line();
    if (line.empty()) throw Error(ErrorKind::invalid_argument, "no command specified");
    if (!record.config.working_dir.empty() && !record.config.working_dir.starts_with('/')) {
        throw Error(ErrorKind::invalid_argument,
                    "the working directory '{}' is invalid, it needs to be an absolute path",
                    record.config.working_dir);
    }
    if (!record.config.stop_signal.empty()) parse_signal(record.config.stop_signal);
    for (const auto& entry : record.config.env) {
        if (entry.empty() || entry.starts_with('=') || entry.find('\0') != std::string::npos) {
            throw Error(ErrorKind::invalid_argument, "invalid environment variable: {}", entry);
        }
    }
    const auto& hostname = record.config.hostname;
    if (hostname.size() > 63 || hostname.find('/') != std::string::npos ||
        hostname.find('\0') != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "invalid hostname: {}", hostname);
    }
}

void check_network(const Record& record, const CreateRequest& request) {
    const bool own_network = record.network() == "bridge";
    for (const auto& [port, bindings] : record.host.port_bindings) {
        network::parse_port_binding(port, "", "");
        for (const auto& binding : bindings) {
            network::parse_port_binding(port, binding.host_ip, binding.host_port);
        }
        if (!bindings.empty() && record.network().starts_with("container:")) {
            throw Error(ErrorKind::invalid_argument,
                        "conflicting options: port publishing and the container type network mode");
        }
    }
    if (record.network().starts_with("container:") && !request.config.hostname.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "conflicting options: hostname and the network mode");
    }
    for (const auto& [name, endpoint] : record.networking.endpoints) {
        // Of those that are always there, the addresses are whoever's comes next.
        if (!endpoint.ipv4_address.empty() || !endpoint.ipv6_address.empty()) {
            throw Error(ErrorKind::invalid_argument,
                        "user specified IP address is supported on user defined networks only");
        }
    }
    if (!own_network && !record.host.dns.empty() && record.network() != "host") {
        log::debug("container {} has DNS servers but no network", record.id);
    }
}

// A client takes "not found" at creation to be about the image, and pulls it: what else is missing
// is a mistake in the request.

ContainerPtr referred(const ContainerTable& table, const std::string& ref) {
    try {
        return table.find(ref);
    } catch (const Error& e) {
        throw Error(ErrorKind::invalid_argument, e.message());
    }
}

std::string network_name(const network::Networks* networks, const std::string& ref) {
    try {
        if (networks != nullptr) return networks->inspect(ref).name;
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::not_found) throw;
    }
    throw Error(ErrorKind::invalid_argument, "network {} not found", ref);
}

/// --storage-opt, of which "size" is the one there is.
std::optional<std::uint64_t> size_limit(const Record& record) {
    std::optional<std::uint64_t> out;
    for (const auto& [name, value] : record.host.storage_opt) {
        const auto bytes = parse_bytes(value);
        if (name != "size")
            throw Error(ErrorKind::invalid_argument, "unknown option --storage-opt {}", name);
        if (bytes.value_or(0) <= 0)
            throw Error(ErrorKind::invalid_argument, "--storage-opt size: invalid size {:?}",
                        value);
        out = static_cast<std::uint64_t>(*bytes);
    }
    return out;
}

}  // namespace

Record Engine::Impl::make_record(const CreateRequest& request, const image::Image& image) {
    if (os::sandbox_kind() == os::SandboxKind::jail)
        check_jail_options(request.host, image.config.platform.os);
    else
        check_namespace_options(request.host);
    Record record;
    record.id = random_hex(32);
    record.image_id = image.id.str();
    record.os = image.config.platform.os;
    record.created = now();
    record.config = request.config;
    record.host = request.host;
    record.networking = request.networking;
    merge_image_config(record.config, image.config.config);
    for (const auto& [port, bindings] : record.host.port_bindings)
        record.config.exposed_ports.insert(port);

    auto& mode = record.host.network_mode;
    if (mode.empty() || mode == "default") mode = "bridge";
    for (auto* shared : {&mode, &record.host.pid_mode, &record.host.ipc_mode}) {
        if (shared->starts_with("container:"))
            *shared = "container:" + referred(table, shared->substr(10))->id;
    }
    if (mode.starts_with("container:")) {
        if (record.config.hostname.empty())
            record.config.hostname = table.find(mode.substr(10))->snapshot().config.hostname;
    } else if (mode != "bridge" && mode != "none" && mode != "host") {
        mode = network_name(parts.networks.get(), mode);
    }
    for (const auto& [name, endpoint] : request.networking.endpoints) {
        if (name != mode && name != "default" && name != "bridge" && name != "host" &&
            name != "none") {
            throw Error(ErrorKind::invalid_argument, "network {} not found", name);
        }
    }
    if (record.config.hostname.empty()) {
        const bool hosts_name = mode == "host" || record.host.uts_mode == "host";
        record.config.hostname = hosts_name ? os::host_info().name : record.id.substr(0, 12);
    }
    if (record.host.shm_size == 0) record.host.shm_size = 64 << 20;
    if (record.host.log_config.type.empty()) record.host.log_config.type = "json-file";
    if (record.host.restart_policy.name.empty()) record.host.restart_policy.name = "no";
    if (record.host.ipc_mode.empty()) record.host.ipc_mode = "private";
    if (record.host.runtime.empty()) record.host.runtime = "brig";
    check_process(record);
    check_network(record, request);
    check_spec_options(record);
    if (!owners_of(record).empty()) check_own_users(record);

    MountSources sources{record.config, record.host, {}};
    for (const auto& from : request.host.volumes_from) {
        const auto [ref, access] = split_once(from, ':');
        for (auto mount : referred(table, ref)->snapshot().mounts) {
            if (mount.type == "tmpfs") continue;
            mount.rw = mount.rw && access.value_or("rw") != "ro";
            mount.anonymous = false;
            sources.inherited.push_back(std::move(mount));
        }
    }
    record.mounts = plan_mounts(sources);
    return record;
}

Created Engine::Impl::create(const CreateRequest& request) {
    if (request.config.image.empty())
        throw Error(ErrorKind::invalid_argument, "no image specified");
    // The image is not to be pruned before the container's row says who needs it.
    const auto lease = parts.images->content().lease();
    const auto image = parts.images->resolve(request.config.image);
    if (!request.platform.empty())
        image::check_platform(image, request.config.image, oci::Platform::parse(request.platform));
    Record record = make_record(request, image);
    const std::string id = record.id;

    if (!request.name.empty()) {
        record.name = check_name(request.name);
        table.reserve_name(record.name, id);
    } else {
        int attempt = 0;
        do {
            record.name = random_name(attempt++);
        } while (!table.try_reserve_name(record.name, id));
    }
    Defer release_name([&, name = record.name] { table.release_name(name); });

    make_directories(files_of(id), 0710);
    Defer remove_files([&] { undo("files", [&] { remove_tree(files_of(id)); }); });
    parts.snapshots->prepare(snapshot_of(id), parts.images->top_snapshot(image),
                             snapshot::Kind::active, size_limit(record));
    Defer remove_snapshot(
        [&] { undo("snapshot", [&] { parts.snapshots->remove(snapshot_of(id)); }); });
    std::vector<std::string> volumes;
    Defer remove_volumes([&] {
        for (const auto& name : volumes) undo("volume", [&] { parts.volumes->remove(name); });
    });
    realise_mounts(record.mounts, *parts.volumes, volumes);

    const auto container = table.insert(std::move(record));
    release_name.dismiss();
    remove_files.dismiss();
    remove_snapshot.dismiss();
    remove_volumes.dismiss();
    for (const auto& name : volumes) parts.volumes->keep(name);
    publish(container->snapshot(), "create");
    Created created{id, {}};
    if (container->record.host.oom_kill_disable.value_or(false)) {
        created.warnings.emplace_back("the OOM killer cannot be disabled on cgroup v2");
    }
    return created;
}

Created Engine::create(const CreateRequest& request) { return impl_->create(request); }

}  // namespace brig::engine
