// GET /containers/ID/json: docker's whole document.
#include "network/inspect.h"

#include <nlohmann/json.hpp>

#include "engine/impl.h"
#include "network/network.h"

namespace brig::engine {

using nlohmann::json;

namespace {

Strings exposed_ports(const Record& record) {
    return {record.config.exposed_ports.begin(), record.config.exposed_ports.end()};
}

/// The list form of mounts that the graph driver's answer has.
json mount_data(const std::vector<brig::Mount>& mounts) {
    json data = json::object();
    for (const auto& mount : mounts) {
        for (const auto& option : mount.options) {
            if (option.starts_with("lowerdir=")) data["LowerDir"] = option.substr(9);
            if (option.starts_with("upperdir=")) data["UpperDir"] = option.substr(9);
            if (option.starts_with("workdir=")) data["WorkDir"] = option.substr(8);
        }
    }
    return data;
}

}  // namespace

json Engine::Impl::inspect(const Record& record, bool size) {
    const auto endpoint = parts.networks ? parts.networks->find(record.id) : std::nullopt;
    const std::string mode = record.network();
    std::string network_id;
    if (parts.networks && !mode.starts_with("container:"))
        network_id = parts.networks->inspect(mode).id;
    json mounts = json::array();
    for (const auto& mount : record.mounts) {
        if (mount.type != "tmpfs") mounts.emplace_back(mount);
    }
    const auto line = record.command_line();
    json exec_ids = json::array();
    {
        const std::lock_guard lock(exec_mutex);
        for (const auto& [id, exec] : execs) {
            if (exec->container_id == record.id && exec->phase == Exec::Phase::running)
                exec_ids.push_back(id);
        }
    }
    json graph = json::object();
    try {
        graph = mount_data(parts.snapshots->mounts(snapshot_of(record.id)));
    } catch (const Error&) {
        // The snapshot is on its way out, or lost.
    }
    const auto files = files_of(record.id);
    const bool logged = record.host.log_config.type != "none";
    json host = record.host;
    if (!host.contains("Tmpfs") && !record.host.tmpfs.empty()) host["Tmpfs"] = record.host.tmpfs;
    json out{
        {"Id", record.id},
        {"Created", format_rfc3339(record.created)},
        {"Path", line.empty() ? "" : line.front()},
        {"Args", line.empty() ? Strings{} : Strings(line.begin() + 1, line.end())},
        {"State", record.state},
        {"Image", record.image_id},
        {"ResolvConfPath", (files / "resolv.conf").string()},
        {"HostnamePath", (files / "hostname").string()},
        {"HostsPath", (files / "hosts").string()},
        {"LogPath", logged ? log_of(record.id).string() : ""},
        {"Name", "/" + record.name},
        {"RestartCount", record.restart_count},
        {"Driver", parts.settings.storage_driver},
        {"Platform", record.os.empty() ? "linux" : record.os},
        {"MountLabel", ""},
        {"ProcessLabel", ""},
        {"AppArmorProfile", ""},
        {"ExecIDs", exec_ids.empty() ? json(nullptr) : std::move(exec_ids)},
        {"HostConfig", std::move(host)},
        {"GraphDriver", {{"Name", parts.settings.storage_driver}, {"Data", std::move(graph)}}},
        {"Mounts", std::move(mounts)},
        {"Config", record.config},
        {"NetworkSettings", network::network_settings_json(endpoint ? &*endpoint : nullptr, mode,
                                                           network_id, exposed_ports(record))}};
    if (size) {
        const auto own = parts.snapshots->usage(snapshot_of(record.id)).bytes;
        const auto image = parts.images->find(Digest::parse(record.image_id));
        out["SizeRw"] = own;
        out["SizeRootFs"] = own + (image ? image->size : 0);
    }
    return out;
}

json Engine::inspect(const std::string& ref, bool size) {
    return impl_->inspect(impl_->table.find(ref)->snapshot(), size);
}

}  // namespace brig::engine
