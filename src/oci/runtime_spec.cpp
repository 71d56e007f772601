// config.json in: parsed strictly where a wrong value could weaken the container. Every function
// reads one object of the specification's schema.
#include "oci/runtime_spec.h"

#include "oci/json_fields.h"

// Overloads for os's types live in their namespace so that templates find them.
namespace brig {
using oci::read_fields;

static void read_value(const oci::json& j, IdMapping& out) {
    read_fields(j, "containerID", out.container_id, "hostID", out.host_id, "size", out.size);
}

static void read_value(const oci::json& j, Mount& out) {
    read_fields(j, "destination", out.target, "type", out.type, "source", out.source, "options",
                out.options, "uidMappings", out.uid_mappings, "gidMappings", out.gid_mappings);
}

}  // namespace brig

namespace brig::os {
using oci::json;
using oci::read_fields;
using oci::Refused;

static void read_value(const json& j, ConsoleSize& out) {
    read_fields(j, "height", out.height, "width", out.width);
}

static void read_value(const json& j, ProcessUser& out) {
    read_fields(j, "uid", out.uid, "gid", out.gid, "umask", out.umask, "additionalGids",
                out.additional_gids, "username", oci::ignored);
}

static void read_value(const json& j, Capabilities& out) {
    read_fields(j, "bounding", out.bounding, "effective", out.effective, "inheritable",
                out.inheritable, "permitted", out.permitted, "ambient", out.ambient);
}

static void read_value(const json& j, Rlimit& out) {
    read_fields(j, "type", out.type, "hard", out.hard, "soft", out.soft);
}

static void read_value(const json& j, Scheduler& out) {
    read_fields(j, "policy", out.policy, "nice", out.nice, "priority", out.priority, "flags",
                out.flags, "runtime", out.runtime, "deadline", out.deadline, "period", out.period);
}

static void read_value(const json& j, IoPriority& out) {
    read_fields(j, "class", out.io_class, "priority", out.priority);
}

static void read_value(const json& j, CpuAffinity& out) {
    read_fields(j, "initial", out.initial, "final", out.final);
}

static void read_value(const json& j, ProcessSpec& out) {
    read_fields(j, "terminal", out.terminal, "consoleSize", out.console_size, "user", out.user,
                "args", out.args, "env", out.env, "cwd", out.cwd, "capabilities", out.capabilities,
                "rlimits", out.rlimits, "noNewPrivileges", out.no_new_privileges, "apparmorProfile",
                out.apparmor_profile, "selinuxLabel", out.selinux_label, "oomScoreAdj",
                out.oom_score_adj, "scheduler", out.scheduler, "ioPriority", out.io_priority,
                "execCPUAffinity", out.exec_affinity, "commandLine", oci::ignored);
}

static void read_value(const json& j, DeviceRule& out) {
    read_fields(j, "allow", out.allow, "type", out.type, "major", out.major, "minor", out.minor,
                "access", out.access);
}

static void read_value(const json& j, MemoryResources& out) {
    read_fields(j, "limit", out.limit, "reservation", out.reservation, "swap", out.swap, "kernel",
                out.kernel, "kernelTCP", out.kernel_tcp, "swappiness", out.swappiness,
                "disableOOMKiller", out.disable_oom_killer, "useHierarchy", out.use_hierarchy,
                "checkBeforeUpdate", out.check_before_update);
}

static void read_value(const json& j, CpuResources& out) {
    read_fields(j, "shares", out.shares, "quota", out.quota, "period", out.period, "burst",
                out.burst, "realtimeRuntime", out.realtime_runtime, "realtimePeriod",
                out.realtime_period, "cpus", out.cpus, "mems", out.mems, "idle", out.idle);
}

static void read_value(const json& j, BlockThrottle& out) {
    read_fields(j, "major", out.major, "minor", out.minor, "rate", out.rate);
}

static void read_value(const json& j, BlockWeight& out) {
    read_fields(j, "major", out.major, "minor", out.minor, "weight", out.weight, "leafWeight",
                out.leaf_weight);
}

static void read_value(const json& j, BlockIoResources& out) {
    read_fields(j, "weight", out.weight, "leafWeight", out.leaf_weight, "weightDevice",
                out.weight_device, "throttleReadBpsDevice", out.read_bps, "throttleWriteBpsDevice",
                out.write_bps, "throttleReadIOPSDevice", out.read_iops, "throttleWriteIOPSDevice",
                out.write_iops);
}

static void read_value(const json& j, HugepageLimit& out) {
    read_fields(j, "pageSize", out.page_size, "limit", out.limit);
}

struct PidsObject {
    std::optional<std::int64_t> limit;
};
static void read_value(const json& j, PidsObject& out) { read_fields(j, "limit", out.limit); }

static void read_value(const json& j, RdmaLimit& out) {
    read_fields(j, "hcaHandles", out.handles, "hcaObjects", out.objects);
}

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;
};
static void read_value(const json& j, InterfacePriority& out) {
    read_fields(j, "name", out.name, "priority", out.priority);
}

static void read_value(const json& j, NetworkResources& out) {
    std::vector<InterfacePriority> priorities;
    read_fields(j, "classID", out.class_id, "priorities", priorities);
    for (InterfacePriority& entry : priorities)
        out.priorities[std::move(entry.name)] = entry.priority;
}

static void read_value(const json& j, Resources& out) {
    PidsObject pids;
    read_fields(j, "devices", out.devices, "memory", out.memory, "cpu", out.cpu, "pids", pids,
                "blockIO", out.block_io, "hugepageLimits", out.hugepages, "network", out.network,
                "rdma", out.rdma, "unified", out.unified);
    out.pids_limit = pids.limit;
}

static void read_value(const json& j, Namespace& out) {
    read_fields(j, "type", out.type, "path", out.path);
}

static void read_value(const json& j, DeviceNode& out) {
    read_fields(j, "path", out.path, "type", out.type, "major", out.major, "minor", out.minor,
                "fileMode", out.file_mode, "uid", out.uid, "gid", out.gid);
}

void read_value(const json& j, SeccompArg& out);
void read_value(const json& j, SeccompArg& out) {
    read_fields(j, "index", out.index, "value", out.value, "valueTwo", out.value_two, "op", out.op);
}

static void read_value(const json& j, SeccompRule& out) {
    read_fields(j, "names", out.names, "action", out.action, "errnoRet", out.errno_ret, "args",
                out.args);
}

static void read_value(const json& j, Seccomp& out) {
    read_fields(j, "defaultAction", out.default_action, "defaultErrnoRet", out.default_errno_ret,
                "architectures", out.architectures, "flags", out.flags, "syscalls", out.syscalls,
                "listenerPath", out.listener_path, "listenerMetadata", out.listener_metadata);
}

static void read_value(const json& j, TimeOffset& out) {
    read_fields(j, "secs", out.seconds, "nanosecs", out.nanoseconds);
}

struct Personality {
    std::string domain;
    std::vector<std::string> flags;
};
static void read_value(const json& j, Personality& out) {
    read_fields(j, "domain", out.domain, "flags", out.flags);
    if (!out.flags.empty())
        throw Error(ErrorKind::not_implemented, "flags: the specification defines none");
    if (out.domain != "LINUX" && out.domain != "LINUX32")
        throw Error(ErrorKind::invalid_argument, "domain: want LINUX or LINUX32");
}

static void read_value(const json& j, MemoryPolicy& out) {
    read_fields(j, "mode", out.mode, "nodes", out.nodes, "flags", out.flags);
}

struct NetDevice {
    std::string name;
};
static void read_value(const json& j, NetDevice& out) { read_fields(j, "name", out.name); }

static void read_value(const json& j, LinuxSettings& out) {
    Personality personality;
    std::map<std::string, NetDevice> net_devices;
    read_fields(j, "namespaces", out.namespaces, "uidMappings", out.uid_mappings, "gidMappings",
                out.gid_mappings, "sysctl", out.sysctl, "cgroupsPath", out.cgroups_path,
                "resources", out.resources, "devices", out.devices, "seccomp", out.seccomp,
                "rootfsPropagation", out.rootfs_propagation, "maskedPaths", out.masked_paths,
                "readonlyPaths", out.readonly_paths, "mountLabel", out.mount_label, "timeOffsets",
                out.time_offsets, "personality", personality, "intelRdt",
                Refused{"cache and memory bandwidth are not partitioned"}, "memoryPolicy",
                out.memory_policy, "netDevices", net_devices);
    for (const auto& [name, device] : net_devices)
        out.net_devices[name] = device.name.empty() ? name : device.name;
    out.personality = std::move(personality.domain);
}

static void read_value(const json& j, JailAllow& out) {
    read_fields(j, "setHostname", out.set_hostname, "rawSockets", out.raw_sockets, "chflags",
                out.chflags, "quotas", out.quotas, "socketAf", out.socket_af, "mlock", out.mlock,
                "reservedPorts", out.reserved_ports, "suser", out.suser, "mount", out.mount);
}

static void read_value(const json& j, Jail& out) {
    read_fields(j, "parent", out.parent, "host", out.host, "ip4", out.ip4, "ip6", out.ip6, "vnet",
                out.vnet, "sysvmsg", out.sysvmsg, "sysvsem", out.sysvsem, "sysvshm", out.sysvshm,
                "interface", out.interface, "ip4Addr", out.ip4_addr, "ip6Addr", out.ip6_addr,
                "vnetInterfaces", out.vnet_interfaces, "enforceStatfs", out.enforce_statfs, "allow",
                out.allow);
}

static void read_value(const json& j, JailDevice& out) {
    read_fields(j, "path", out.path, "mode", out.mode);
}

static void read_value(const json& j, JailSettings& out) {
    read_fields(j, "devices", out.devices, "jail", out.jail);
}

}  // namespace brig::os

namespace brig::oci {

static void read_value(const json& j, Root& out) {
    read_fields(j, "path", out.path, "readonly", out.readonly);
}

static void read_value(const json& j, Hook& out) {
    read_fields(j, "path", out.path, "args", out.args, "env", out.env, "timeout", out.timeout);
    if (!out.path.starts_with('/')) wrong_type("a hook with an absolute path");
    if (out.timeout && *out.timeout <= 0) wrong_type("a timeout above 0");
}

static void read_value(const json& j, Hooks& out) {
    read_fields(j, "prestart", out.prestart, "createRuntime", out.create_runtime, "createContainer",
                out.create_container, "startContainer", out.start_container, "poststart",
                out.poststart, "poststop", out.poststop);
}

static void read_value(const json& j, RuntimeSpec& out) {
    out.has_process = j.contains("process") && !j["process"].is_null();
    read_fields(j, "ociVersion", out.oci_version, "process", out.process, "root", out.root,
                "hostname", out.hostname, "domainname", out.domainname, "mounts", out.mounts,
                "hooks", out.hooks, "annotations", out.annotations, "linux", out.linux, "freebsd",
                out.freebsd, "solaris", ignored, "windows", ignored, "zos", ignored, "vm",
                Refused{"containers are not virtual machines here"});
}

namespace {

template <typename T>
T parse(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) throw Error(ErrorKind::invalid_argument, "malformed JSON");
    if (!document.is_object()) wrong_type("an object");
    T out{};
    read_value(document, out);
    return out;
}

}  // namespace

RuntimeSpec runtime_spec_from_json(std::string_view text) {
    auto spec = parse<RuntimeSpec>(text);
    if (!spec.oci_version.starts_with("1.")) {
        throw Error(ErrorKind::invalid_argument, "ociVersion: {:?} is not a version 1",
                    spec.oci_version);
    }
    return spec;
}

Process process_from_json(std::string_view text) { return parse<Process>(text); }

Resources resources_from_json(std::string_view text) { return parse<Resources>(text); }

Seccomp seccomp_from_json(std::string_view text) { return parse<Seccomp>(text); }

}  // namespace brig::oci
