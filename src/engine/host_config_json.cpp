// HostConfig in docker's field names.
#include <nlohmann/json.hpp>

#include "engine/json_fields.h"
#include "engine/types.h"

namespace brig::engine {

using nlohmann::json;

void to_json(json& out, const PortBinding& value) {
    out = json{{"HostIp", value.host_ip}, {"HostPort", value.host_port}};
}
void from_json(const json& in, PortBinding& value) {
    field(in, "HostIp", value.host_ip);
    field(in, "HostPort", value.host_port);
}

void to_json(json& out, const PortMap& value) {
    out = json::object();
    for (const auto& [port, bindings] : value) {
        json list = json::array();
        for (const auto& binding : bindings) list.emplace_back(binding);
        out[port] = bindings.empty() ? json(nullptr) : std::move(list);
    }
}

void to_json(json& out, const Ulimit& value) {
    out = json{{"Name", value.name}, {"Soft", value.soft}, {"Hard", value.hard}};
}
void from_json(const json& in, Ulimit& value) {
    field(in, "Name", value.name);
    field(in, "Soft", value.soft);
    field(in, "Hard", value.hard);
}

void to_json(json& out, const DeviceMapping& value) {
    out = json{{"PathOnHost", value.path_on_host},
               {"PathInContainer", value.path_in_container},
               {"CgroupPermissions", value.cgroup_permissions}};
}
void from_json(const json& in, DeviceMapping& value) {
    field(in, "PathOnHost", value.path_on_host);
    field(in, "PathInContainer", value.path_in_container);
    field(in, "CgroupPermissions", value.cgroup_permissions);
}

void to_json(json& out, const MountRequest& value) {
    out = json{{"Type", value.type}, {"Source", value.source}, {"Target", value.target}};
    if (value.read_only) out["ReadOnly"] = true;
    if (value.type == "bind") {
        out["BindOptions"] = json{{"Propagation", value.bind_propagation},
                                  {"CreateMountpoint", value.bind_create_mountpoint},
                                  {"NonRecursive", value.bind_non_recursive}};
    } else if (value.type == "volume") {
        out["VolumeOptions"] =
            json{{"NoCopy", value.volume_no_copy}, {"Labels", value.volume_labels}};
    } else if (value.type == "tmpfs") {
        out["TmpfsOptions"] = json{{"SizeBytes", value.tmpfs_size}, {"Mode", value.tmpfs_mode}};
    }
}
void from_json(const json& in, MountRequest& value) {
    field(in, "Type", value.type);
    field(in, "Source", value.source);
    field(in, "Target", value.target);
    field(in, "ReadOnly", value.read_only);
    json options = json::object();
    field(in, "BindOptions", options);
    field(options, "Propagation", value.bind_propagation);
    field(options, "CreateMountpoint", value.bind_create_mountpoint);
    field(options, "NonRecursive", value.bind_non_recursive);
    options = json::object();
    field(in, "VolumeOptions", options);
    field(options, "NoCopy", value.volume_no_copy);
    field(options, "Labels", value.volume_labels);
    options = json::object();
    field(in, "TmpfsOptions", options);
    field(options, "SizeBytes", value.tmpfs_size);
    field(options, "Mode", value.tmpfs_mode);
}

namespace {

template <typename T>
json list(const std::vector<T>& values) {
    if (values.empty()) return nullptr;
    json out = json::array();
    for (const auto& value : values) out.emplace_back(value);
    return out;
}

template <typename T>
void field_list(const json& in, const char* key, std::vector<T>& out) {
    const auto found = in.find(key);
    if (found == in.end() || found->is_null()) return;
    if (!found->is_array()) throw Error(ErrorKind::invalid_argument, "field {} is not a list", key);
    for (const auto& element : *found) {
        if (!element.is_object()) {
            throw Error(ErrorKind::invalid_argument,
                        "field {} has an element that is not an object", key);
        }
        T value;
        from_json(element, value);
        out.push_back(std::move(value));
    }
}

void read_ports(const json& in, PortMap& out) {
    json ports = json::object();
    field(in, "PortBindings", ports);
    for (const auto& [port, bindings] : ports.items()) {
        field_list(json{{"PortBindings", bindings}}, "PortBindings", out[port]);
    }
}

void read_policies(const json& in, HostConfig& value) {
    json part = json::object();
    field(in, "LogConfig", part);
    field(part, "Type", value.log_config.type);
    field(part, "Config", value.log_config.config);
    part = json::object();
    field(in, "RestartPolicy", part);
    field(part, "Name", value.restart_policy.name);
    field(part, "MaximumRetryCount", value.restart_policy.maximum_retry_count);
}

void read_limits(const json& in, HostConfig& value) {
    field(in, "ShmSize", value.shm_size);
    field(in, "Sysctls", value.sysctls);
    field(in, "StorageOpt", value.storage_opt);
    field(in, "Annotations", value.annotations);
    field(in, "CpuShares", value.cpu_shares);
    field(in, "Memory", value.memory);
    field(in, "NanoCpus", value.nano_cpus);
    field(in, "CpuPeriod", value.cpu_period);
    field(in, "CpuQuota", value.cpu_quota);
    field(in, "CpusetCpus", value.cpuset_cpus);
    field(in, "CpusetMems", value.cpuset_mems);
    field(in, "MemoryReservation", value.memory_reservation);
    field(in, "MemorySwap", value.memory_swap);
    field(in, "MemorySwappiness", value.memory_swappiness);
    field(in, "OomKillDisable", value.oom_kill_disable);
    field(in, "PidsLimit", value.pids_limit);
    field(in, "CgroupParent", value.cgroup_parent);
    field_list(in, "Ulimits", value.ulimits);
    // Clients send 0 and -1 for "no limit" and -1 for "default".
    if (value.pids_limit && *value.pids_limit <= 0) value.pids_limit.reset();
    if (value.memory_swappiness && *value.memory_swappiness < 0) value.memory_swappiness.reset();
}

json limits_to_json(const HostConfig& value) {
    return json{{"ShmSize", value.shm_size},
                {"CpuShares", value.cpu_shares},
                {"Memory", value.memory},
                {"NanoCpus", value.nano_cpus},
                {"CpuPeriod", value.cpu_period},
                {"CpuQuota", value.cpu_quota},
                {"CpusetCpus", value.cpuset_cpus},
                {"CpusetMems", value.cpuset_mems},
                {"MemoryReservation", value.memory_reservation},
                {"MemorySwap", value.memory_swap},
                {"MemorySwappiness", or_null(value.memory_swappiness)},
                {"OomKillDisable", or_null(value.oom_kill_disable)},
                {"PidsLimit", or_null(value.pids_limit)},
                {"CgroupParent", value.cgroup_parent},
                {"Ulimits", list(value.ulimits)}};
}

}  // namespace

void to_json(json& out, const HostConfig& value) {
    out = limits_to_json(value);
    json ports;
    to_json(ports, value.port_bindings);
    out.update(
        json{{"Binds", list(value.binds)},
             {"LogConfig", {{"Type", value.log_config.type}, {"Config", value.log_config.config}}},
             {"NetworkMode", value.network_mode},
             {"PortBindings", std::move(ports)},
             {"RestartPolicy",
              {{"Name", value.restart_policy.name},
               {"MaximumRetryCount", value.restart_policy.maximum_retry_count}}},
             {"AutoRemove", value.auto_remove},
             {"VolumeDriver", ""},
             {"VolumesFrom", list(value.volumes_from)},
             {"ConsoleSize",
              value.console_size.empty() ? json::array({0, 0}) : json(value.console_size)},
             {"CapAdd", list(value.cap_add)},
             {"CapDrop", list(value.cap_drop)},
             {"CgroupnsMode", value.cgroupns_mode},
             {"Dns", value.dns},
             {"DnsOptions", value.dns_options},
             {"DnsSearch", value.dns_search},
             {"ExtraHosts", list(value.extra_hosts)},
             {"GroupAdd", list(value.group_add)},
             {"IpcMode", value.ipc_mode},
             {"Links", nullptr},
             {"OomScoreAdj", value.oom_score_adj},
             {"PidMode", value.pid_mode},
             {"Privileged", value.privileged},
             {"PublishAllPorts", value.publish_all_ports},
             {"ReadonlyRootfs", value.readonly_rootfs},
             {"SecurityOpt", list(value.security_opt)},
             {"UTSMode", value.uts_mode},
             {"UsernsMode", value.userns_mode},
             {"Runtime", value.runtime},
             {"Isolation", ""},
             {"Devices", list(value.devices)},
             {"MaskedPaths", or_null(value.masked_paths)},
             {"ReadonlyPaths", or_null(value.readonly_paths)}});
    if (!value.tmpfs.empty()) out["Tmpfs"] = value.tmpfs;
    if (!value.sysctls.empty()) out["Sysctls"] = value.sysctls;
    if (!value.storage_opt.empty()) out["StorageOpt"] = value.storage_opt;
    if (!value.annotations.empty()) out["Annotations"] = value.annotations;
    if (!value.mounts.empty()) out["Mounts"] = list(value.mounts);
    if (value.init) out["Init"] = *value.init;
}

void from_json(const json& in, HostConfig& value) {
    read_policies(in, value);
    read_limits(in, value);
    read_ports(in, value.port_bindings);
    field(in, "Binds", value.binds);
    field(in, "NetworkMode", value.network_mode);
    field(in, "AutoRemove", value.auto_remove);
    field(in, "VolumesFrom", value.volumes_from);
    field(in, "ConsoleSize", value.console_size);
    field(in, "CapAdd", value.cap_add);
    field(in, "CapDrop", value.cap_drop);
    field(in, "CgroupnsMode", value.cgroupns_mode);
    field(in, "Dns", value.dns);
    field(in, "DnsOptions", value.dns_options);
    field(in, "DnsSearch", value.dns_search);
    field(in, "ExtraHosts", value.extra_hosts);
    field(in, "GroupAdd", value.group_add);
    field(in, "IpcMode", value.ipc_mode);
    field(in, "OomScoreAdj", value.oom_score_adj);
    field(in, "PidMode", value.pid_mode);
    field(in, "Privileged", value.privileged);
    field(in, "PublishAllPorts", value.publish_all_ports);
    field(in, "ReadonlyRootfs", value.readonly_rootfs);
    field(in, "SecurityOpt", value.security_opt);
    field(in, "Tmpfs", value.tmpfs);
    field(in, "UTSMode", value.uts_mode);
    field(in, "UsernsMode", value.userns_mode);
    field(in, "Runtime", value.runtime);
    field(in, "Init", value.init);
    field_list(in, "Devices", value.devices);
    field_list(in, "Mounts", value.mounts);
    field(in, "MaskedPaths", value.masked_paths);
    field(in, "ReadonlyPaths", value.readonly_paths);
    if (value.console_size.size() != 2) value.console_size.clear();
}

}  // namespace brig::engine
