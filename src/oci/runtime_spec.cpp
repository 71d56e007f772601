// config.json in: parsed strictly where a wrong value could weaken the container. Every function
// reads one object of the specification's schema.
#include "oci/runtime_spec.h"

#include "oci/json_fields.h"

// Overloads for os's types live in their namespace so that templates find them.
namespace brig {

static void read_value(const oci::json& j, Mount& out) {
    using oci::read_field;
    read_field(j, "destination", out.target);
    read_field(j, "type", out.type);
    read_field(j, "source", out.source);
    read_field(j, "options", out.options);
}

}  // namespace brig

namespace brig::os {
using oci::json;
using oci::read_field;

static void read_value(const json& j, ConsoleSize& out) {
    read_field(j, "height", out.height);
    read_field(j, "width", out.width);
}

static void read_value(const json& j, ProcessUser& out) {
    read_field(j, "uid", out.uid);
    read_field(j, "gid", out.gid);
    read_field(j, "umask", out.umask);
    read_field(j, "additionalGids", out.additional_gids);
}

static void read_value(const json& j, Capabilities& out) {
    read_field(j, "bounding", out.bounding);
    read_field(j, "effective", out.effective);
    read_field(j, "inheritable", out.inheritable);
    read_field(j, "permitted", out.permitted);
    read_field(j, "ambient", out.ambient);
}

static void read_value(const json& j, Rlimit& out) {
    read_field(j, "type", out.type);
    read_field(j, "hard", out.hard);
    read_field(j, "soft", out.soft);
}

static void read_value(const json& j, ProcessSpec& out) {
    read_field(j, "terminal", out.terminal);
    read_field(j, "consoleSize", out.console_size);
    read_field(j, "user", out.user);
    read_field(j, "args", out.args);
    read_field(j, "env", out.env);
    read_field(j, "cwd", out.cwd);
    read_field(j, "capabilities", out.capabilities);
    read_field(j, "rlimits", out.rlimits);
    read_field(j, "noNewPrivileges", out.no_new_privileges);
    read_field(j, "apparmorProfile", out.apparmor_profile);
    read_field(j, "selinuxLabel", out.selinux_label);
    read_field(j, "oomScoreAdj", out.oom_score_adj);
}

static void read_value(const json& j, DeviceRule& out) {
    read_field(j, "allow", out.allow);
    read_field(j, "type", out.type);
    read_field(j, "major", out.major);
    read_field(j, "minor", out.minor);
    read_field(j, "access", out.access);
}

static void read_value(const json& j, MemoryResources& out) {
    read_field(j, "limit", out.limit);
    read_field(j, "reservation", out.reservation);
    read_field(j, "swap", out.swap);
    read_field(j, "kernel", out.kernel);
    read_field(j, "swappiness", out.swappiness);
    read_field(j, "disableOOMKiller", out.disable_oom_killer);
}

static void read_value(const json& j, CpuResources& out) {
    read_field(j, "shares", out.shares);
    read_field(j, "quota", out.quota);
    read_field(j, "period", out.period);
    read_field(j, "burst", out.burst);
    read_field(j, "realtimeRuntime", out.realtime_runtime);
    read_field(j, "realtimePeriod", out.realtime_period);
    read_field(j, "cpus", out.cpus);
    read_field(j, "mems", out.mems);
    read_field(j, "idle", out.idle);
}

static void read_value(const json& j, BlockThrottle& out) {
    read_field(j, "major", out.major);
    read_field(j, "minor", out.minor);
    read_field(j, "rate", out.rate);
}

static void read_value(const json& j, BlockWeight& out) {
    read_field(j, "major", out.major);
    read_field(j, "minor", out.minor);
    read_field(j, "weight", out.weight);
}

static void read_value(const json& j, BlockIoResources& out) {
    read_field(j, "weight", out.weight);
    read_field(j, "weightDevice", out.weight_device);
    read_field(j, "throttleReadBpsDevice", out.read_bps);
    read_field(j, "throttleWriteBpsDevice", out.write_bps);
    read_field(j, "throttleReadIOPSDevice", out.read_iops);
    read_field(j, "throttleWriteIOPSDevice", out.write_iops);
}

static void read_value(const json& j, HugepageLimit& out) {
    read_field(j, "pageSize", out.page_size);
    read_field(j, "limit", out.limit);
}

struct PidsObject {
    std::optional<std::int64_t> limit;
};
static void read_value(const json& j, PidsObject& out) { read_field(j, "limit", out.limit); }

static void read_value(const json& j, Resources& out) {
    read_field(j, "devices", out.devices);
    read_field(j, "memory", out.memory);
    read_field(j, "cpu", out.cpu);
    PidsObject pids;
    read_field(j, "pids", pids);
    out.pids_limit = pids.limit;
    read_field(j, "blockIO", out.block_io);
    read_field(j, "hugepageLimits", out.hugepages);
    read_field(j, "unified", out.unified);
}

static void read_value(const json& j, Namespace& out) {
    read_field(j, "type", out.type);
    read_field(j, "path", out.path);
}

static void read_value(const json& j, IdMapping& out) {
    read_field(j, "containerID", out.container_id);
    read_field(j, "hostID", out.host_id);
    read_field(j, "size", out.size);
}

static void read_value(const json& j, DeviceNode& out) {
    read_field(j, "path", out.path);
    read_field(j, "type", out.type);
    read_field(j, "major", out.major);
    read_field(j, "minor", out.minor);
    read_field(j, "fileMode", out.file_mode);
    read_field(j, "uid", out.uid);
    read_field(j, "gid", out.gid);
}

void read_value(const json& j, SeccompArg& out);
void read_value(const json& j, SeccompArg& out) {
    read_field(j, "index", out.index);
    read_field(j, "value", out.value);
    read_field(j, "valueTwo", out.value_two);
    read_field(j, "op", out.op);
}

static void read_value(const json& j, SeccompRule& out) {
    read_field(j, "names", out.names);
    read_field(j, "action", out.action);
    read_field(j, "errnoRet", out.errno_ret);
    read_field(j, "args", out.args);
}

static void read_value(const json& j, Seccomp& out) {
    read_field(j, "defaultAction", out.default_action);
    read_field(j, "defaultErrnoRet", out.default_errno_ret);
    read_field(j, "architectures", out.architectures);
    read_field(j, "flags", out.flags);
    read_field(j, "syscalls", out.syscalls);
}

static void read_value(const json& j, LinuxSettings& out) {
    read_field(j, "namespaces", out.namespaces);
    read_field(j, "uidMappings", out.uid_mappings);
    read_field(j, "gidMappings", out.gid_mappings);
    read_field(j, "sysctl", out.sysctl);
    read_field(j, "cgroupsPath", out.cgroups_path);
    read_field(j, "resources", out.resources);
    read_field(j, "devices", out.devices);
    read_field(j, "seccomp", out.seccomp);
    read_field(j, "rootfsPropagation", out.rootfs_propagation);
    read_field(j, "maskedPaths", out.masked_paths);
    read_field(j, "readonlyPaths", out.readonly_paths);
    read_field(j, "mountLabel", out.mount_label);
}

static void read_value(const json& j, JailAllow& out) {
    read_field(j, "setHostname", out.set_hostname);
    read_field(j, "rawSockets", out.raw_sockets);
    read_field(j, "chflags", out.chflags);
    read_field(j, "quotas", out.quotas);
    read_field(j, "socketAf", out.socket_af);
    read_field(j, "mlock", out.mlock);
    read_field(j, "reservedPorts", out.reserved_ports);
    read_field(j, "suser", out.suser);
    read_field(j, "mount", out.mount);
}

static void read_value(const json& j, Jail& out) {
    read_field(j, "parent", out.parent);
    read_field(j, "host", out.host);
    read_field(j, "ip4", out.ip4);
    read_field(j, "ip6", out.ip6);
    read_field(j, "vnet", out.vnet);
    read_field(j, "sysvmsg", out.sysvmsg);
    read_field(j, "sysvsem", out.sysvsem);
    read_field(j, "sysvshm", out.sysvshm);
    read_field(j, "interface", out.interface);
    read_field(j, "ip4Addr", out.ip4_addr);
    read_field(j, "ip6Addr", out.ip6_addr);
    read_field(j, "vnetInterfaces", out.vnet_interfaces);
    read_field(j, "enforceStatfs", out.enforce_statfs);
    read_field(j, "allow", out.allow);
}

static void read_value(const json& j, JailDevice& out) {
    read_field(j, "path", out.path);
    read_field(j, "mode", out.mode);
}

static void read_value(const json& j, JailSettings& out) {
    read_field(j, "devices", out.devices);
    read_field(j, "jail", out.jail);
}

}  // namespace brig::os

namespace brig::oci {

static void read_value(const json& j, Root& out) {
    read_field(j, "path", out.path);
    read_field(j, "readonly", out.readonly);
}

static void read_value(const json& j, Hook& out) {
    read_field(j, "path", out.path);
    read_field(j, "args", out.args);
    read_field(j, "env", out.env);
    read_field(j, "timeout", out.timeout);
}

static void read_value(const json& j, Hooks& out) {
    read_field(j, "prestart", out.prestart);
    read_field(j, "createRuntime", out.create_runtime);
    read_field(j, "createContainer", out.create_container);
    read_field(j, "startContainer", out.start_container);
    read_field(j, "poststart", out.poststart);
    read_field(j, "poststop", out.poststop);
}

static void read_value(const json& j, RuntimeSpec& out) {
    read_field(j, "ociVersion", out.oci_version);
    out.has_process = j.contains("process") && !j["process"].is_null();
    read_field(j, "process", out.process);
    read_field(j, "root", out.root);
    read_field(j, "hostname", out.hostname);
    read_field(j, "domainname", out.domainname);
    read_field(j, "mounts", out.mounts);
    read_field(j, "hooks", out.hooks);
    read_field(j, "annotations", out.annotations);
    read_field(j, "linux", out.linux);
    read_field(j, "freebsd", out.freebsd);
}

namespace {

template <typename T>
T parse(std::string_view text) {
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded()) throw Error(ErrorKind::invalid_argument, "malformed JSON");
    if (!document.is_object()) wrong_type("an object");
    T out;
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

}  // namespace brig::oci
