// config.json out: what is empty is left out, so that what is written reads back the same.
#include "oci/json_fields.h"
#include "oci/runtime_spec.h"

namespace brig::oci {
namespace {

template <typename T, typename Write>
json array_of(const std::vector<T>& items, Write write) {
    json out = json::array();
    for (const T& item : items) out.push_back(write(item));
    return out;
}

json write_scheduler(const Scheduler& scheduler) {
    json out = {{"policy", scheduler.policy}};
    const auto put_number = [&](const char* name, auto number) {
        if (number != 0) out[name] = number;
    };
    put_number("nice", scheduler.nice);
    put_number("priority", scheduler.priority);
    put(out, "flags", scheduler.flags);
    put_number("runtime", scheduler.runtime);
    put_number("deadline", scheduler.deadline);
    put_number("period", scheduler.period);
    return out;
}

json write_process(const Process& process) {
    json out = json::object();
    put(out, "terminal", process.terminal);
    if (process.console_size) {
        out["consoleSize"] = {{"height", process.console_size->height},
                              {"width", process.console_size->width}};
    }
    json user = {{"uid", process.user.uid}, {"gid", process.user.gid}};
    put(user, "umask", process.user.umask);
    put(user, "additionalGids", process.user.additional_gids);
    out["user"] = std::move(user);
    put(out, "args", process.args);
    put(out, "env", process.env);
    out["cwd"] = process.cwd;
    if (process.capabilities) {
        const Capabilities& sets = *process.capabilities;
        json capabilities = json::object();
        put(capabilities, "bounding", sets.bounding);
        put(capabilities, "effective", sets.effective);
        put(capabilities, "inheritable", sets.inheritable);
        put(capabilities, "permitted", sets.permitted);
        put(capabilities, "ambient", sets.ambient);
        out["capabilities"] = std::move(capabilities);
    }
    put(out, "rlimits", array_of(process.rlimits, [](const Rlimit& limit) {
            return json{{"type", limit.type}, {"hard", limit.hard}, {"soft", limit.soft}};
        }));
    put(out, "noNewPrivileges", process.no_new_privileges);
    put(out, "apparmorProfile", process.apparmor_profile);
    put(out, "selinuxLabel", process.selinux_label);
    put(out, "oomScoreAdj", process.oom_score_adj);
    if (process.scheduler) out["scheduler"] = write_scheduler(*process.scheduler);
    if (process.io_priority) {
        out["ioPriority"] = {{"class", process.io_priority->io_class},
                             {"priority", process.io_priority->priority}};
    }
    if (process.exec_affinity) {
        json affinity = json::object();
        put(affinity, "initial", process.exec_affinity->initial);
        put(affinity, "final", process.exec_affinity->final);
        out["execCPUAffinity"] = std::move(affinity);
    }
    return out;
}

json write_device_rule(const DeviceRule& rule) {
    json out = {{"allow", rule.allow}};
    put(out, "type", rule.type);
    put(out, "major", rule.major);
    put(out, "minor", rule.minor);
    put(out, "access", rule.access);
    return out;
}

json write_memory(const MemoryResources& memory) {
    json out = json::object();
    put(out, "limit", memory.limit);
    put(out, "reservation", memory.reservation);
    put(out, "swap", memory.swap);
    put(out, "kernel", memory.kernel);
    put(out, "kernelTCP", memory.kernel_tcp);
    put(out, "swappiness", memory.swappiness);
    put(out, "disableOOMKiller", memory.disable_oom_killer);
    put(out, "useHierarchy", memory.use_hierarchy);
    put(out, "checkBeforeUpdate", memory.check_before_update);
    return out;
}

json write_cpu(const CpuResources& cpu) {
    json out = json::object();
    put(out, "shares", cpu.shares);
    put(out, "quota", cpu.quota);
    put(out, "period", cpu.period);
    put(out, "burst", cpu.burst);
    put(out, "realtimeRuntime", cpu.realtime_runtime);
    put(out, "realtimePeriod", cpu.realtime_period);
    put(out, "cpus", cpu.cpus);
    put(out, "mems", cpu.mems);
    put(out, "idle", cpu.idle);
    return out;
}

json write_block_io(const BlockIoResources& block) {
    const auto throttle = [](const BlockThrottle& t) {
        return json{{"major", t.major}, {"minor", t.minor}, {"rate", t.rate}};
    };
    json out = json::object();
    put(out, "weight", block.weight);
    put(out, "leafWeight", block.leaf_weight);
    put(out, "weightDevice", array_of(block.weight_device, [](const BlockWeight& w) {
            json written = {{"major", w.major}, {"minor", w.minor}};
            put(written, "weight", w.weight);
            put(written, "leafWeight", w.leaf_weight);
            return written;
        }));
    put(out, "throttleReadBpsDevice", array_of(block.read_bps, throttle));
    put(out, "throttleWriteBpsDevice", array_of(block.write_bps, throttle));
    put(out, "throttleReadIOPSDevice", array_of(block.read_iops, throttle));
    put(out, "throttleWriteIOPSDevice", array_of(block.write_iops, throttle));
    return out;
}

json write_network(const NetworkResources& network) {
    json out = json::object();
    put(out, "classID", network.class_id);
    json priorities = json::array();
    for (const auto& [name, priority] : network.priorities)
        priorities.push_back({{"name", name}, {"priority", priority}});
    put(out, "priorities", std::move(priorities));
    return out;
}

json write_rdma(const std::map<std::string, RdmaLimit>& limits) {
    json out = json::object();
    for (const auto& [device, limit] : limits) {
        json written = json::object();
        put(written, "hcaHandles", limit.handles);
        put(written, "hcaObjects", limit.objects);
        out[device] = std::move(written);
    }
    return out;
}

json write_resources(const Resources& resources) {
    json out = json::object();
    put(out, "devices", array_of(resources.devices, write_device_rule));
    put(out, "memory", write_memory(resources.memory));
    put(out, "cpu", write_cpu(resources.cpu));
    if (resources.pids_limit) out["pids"] = {{"limit", *resources.pids_limit}};
    put(out, "blockIO", write_block_io(resources.block_io));
    put(out, "hugepageLimits", array_of(resources.hugepages, [](const HugepageLimit& h) {
            return json{{"pageSize", h.page_size}, {"limit", h.limit}};
        }));
    put(out, "network", write_network(resources.network));
    put(out, "rdma", write_rdma(resources.rdma));
    put(out, "unified", resources.unified);
    return out;
}

json write_seccomp(const Seccomp& seccomp) {
    json out = {{"defaultAction", seccomp.default_action}};
    put(out, "defaultErrnoRet", seccomp.default_errno_ret);
    put(out, "architectures", seccomp.architectures);
    put(out, "flags", seccomp.flags);
    put(out, "syscalls", array_of(seccomp.syscalls, [](const SeccompRule& rule) {
            json written = {{"names", rule.names}, {"action", rule.action}};
            put(written, "errnoRet", rule.errno_ret);
            put(written, "args", array_of(rule.args, [](const SeccompArg& arg) {
                    json a = {{"index", arg.index}, {"value", arg.value}, {"op", arg.op}};
                    if (arg.value_two != 0) a["valueTwo"] = arg.value_two;
                    return a;
                }));
            return written;
        }));
    put(out, "listenerPath", seccomp.listener_path);
    put(out, "listenerMetadata", seccomp.listener_metadata);
    return out;
}

json write_id_mapping(const IdMapping& map) {
    return {{"containerID", map.container_id}, {"hostID", map.host_id}, {"size", map.size}};
}

json write_device(const DeviceNode& node) {
    json out = {
        {"path", node.path}, {"type", node.type}, {"major", node.major}, {"minor", node.minor}};
    put(out, "fileMode", node.file_mode);
    put(out, "uid", node.uid);
    put(out, "gid", node.gid);
    return out;
}

json write_linux(const Linux& settings) {
    json out = json::object();
    put(out, "namespaces", array_of(settings.namespaces, [](const Namespace& ns) {
            json written = {{"type", ns.type}};
            put(written, "path", ns.path);
            return written;
        }));
    put(out, "uidMappings", array_of(settings.uid_mappings, write_id_mapping));
    put(out, "gidMappings", array_of(settings.gid_mappings, write_id_mapping));
    put(out, "sysctl", settings.sysctl);
    put(out, "cgroupsPath", settings.cgroups_path);
    put(out, "resources", write_resources(settings.resources));
    put(out, "devices", array_of(settings.devices, write_device));
    if (settings.seccomp) out["seccomp"] = write_seccomp(*settings.seccomp);
    put(out, "rootfsPropagation", settings.rootfs_propagation);
    put(out, "maskedPaths", settings.masked_paths);
    put(out, "readonlyPaths", settings.readonly_paths);
    put(out, "mountLabel", settings.mount_label);
    json offsets = json::object();
    for (const auto& [clock, offset] : settings.time_offsets)
        offsets[clock] = {{"secs", offset.seconds}, {"nanosecs", offset.nanoseconds}};
    put(out, "timeOffsets", std::move(offsets));
    if (!settings.personality.empty()) out["personality"] = {{"domain", settings.personality}};
    if (settings.memory_policy) {
        json& policy = out["memoryPolicy"] = {{"mode", settings.memory_policy->mode}};
        put(policy, "nodes", settings.memory_policy->nodes);
        put(policy, "flags", settings.memory_policy->flags);
    }
    for (const auto& [host_name, name] : settings.net_devices)
        out["netDevices"][host_name] = {{"name", name}};
    return out;
}

json write_jail(const Jail& jail) {
    json allow = json::object();
    put(allow, "setHostname", jail.allow.set_hostname);
    put(allow, "rawSockets", jail.allow.raw_sockets);
    put(allow, "chflags", jail.allow.chflags);
    put(allow, "quotas", jail.allow.quotas);
    put(allow, "socketAf", jail.allow.socket_af);
    put(allow, "mlock", jail.allow.mlock);
    put(allow, "reservedPorts", jail.allow.reserved_ports);
    put(allow, "suser", jail.allow.suser);
    put(allow, "mount", jail.allow.mount);
    json out = json::object();
    put(out, "parent", jail.parent);
    put(out, "host", jail.host);
    put(out, "ip4", jail.ip4);
    put(out, "ip4Addr", jail.ip4_addr);
    put(out, "ip6", jail.ip6);
    put(out, "ip6Addr", jail.ip6_addr);
    put(out, "vnet", jail.vnet);
    put(out, "interface", jail.interface);
    put(out, "vnetInterfaces", jail.vnet_interfaces);
    put(out, "sysvmsg", jail.sysvmsg);
    put(out, "sysvsem", jail.sysvsem);
    put(out, "sysvshm", jail.sysvshm);
    put(out, "enforceStatfs", jail.enforce_statfs);
    put(out, "allow", std::move(allow));
    return out;
}

json write_freebsd(const Freebsd& settings) {
    json out = json::object();
    put(out, "devices", array_of(settings.devices, [](const JailDevice& device) {
            json written = {{"path", device.path}};
            put(written, "mode", device.mode);
            return written;
        }));
    put(out, "jail", write_jail(settings.jail));
    return out;
}

json write_hooks(const Hooks& hooks) {
    const auto write = [](const Hook& hook) {
        json out = {{"path", hook.path}};
        put(out, "args", hook.args);
        put(out, "env", hook.env);
        put(out, "timeout", hook.timeout);
        return out;
    };
    json out = json::object();
    put(out, "prestart", array_of(hooks.prestart, write));
    put(out, "createRuntime", array_of(hooks.create_runtime, write));
    put(out, "createContainer", array_of(hooks.create_container, write));
    put(out, "startContainer", array_of(hooks.start_container, write));
    put(out, "poststart", array_of(hooks.poststart, write));
    put(out, "poststop", array_of(hooks.poststop, write));
    return out;
}

json write_mount(const Mount& mount) {
    json out = {{"destination", mount.target}};
    put(out, "type", mount.type);
    put(out, "source", mount.source);
    put(out, "options", mount.options);
    put(out, "uidMappings", array_of(mount.uid_mappings, write_id_mapping));
    put(out, "gidMappings", array_of(mount.gid_mappings, write_id_mapping));
    return out;
}

/// Text that is not UTF-8 (host paths may be anything) must not abort a start.
std::string dump(const json& document, int indent) {
    return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const RuntimeSpec& spec) {
    json out = {{"ociVersion", spec.oci_version}};
    if (spec.has_process) out["process"] = write_process(spec.process);
    json root = {{"path", spec.root.path}};
    put(root, "readonly", spec.root.readonly);
    out["root"] = std::move(root);
    put(out, "hostname", spec.hostname);
    put(out, "domainname", spec.domainname);
    put(out, "mounts", array_of(spec.mounts, write_mount));
    put(out, "hooks", write_hooks(spec.hooks));
    put(out, "annotations", spec.annotations);
    if (spec.linux) out["linux"] = write_linux(*spec.linux);
    if (spec.freebsd) out["freebsd"] = write_freebsd(*spec.freebsd);
    return dump(out, -1);
}

std::string to_json(const Process& process) { return dump(write_process(process), -1); }

std::string to_json(const Resources& resources) { return dump(write_resources(resources), -1); }

std::string to_json(const Seccomp& seccomp) { return dump(write_seccomp(seccomp), -1); }

}  // namespace brig::oci
