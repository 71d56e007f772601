// config.json of the OCI runtime specification 1.3 as plain types, and its JSON in and out. Only
// what Brig acts on or passes through is here; unknown properties are ignored, as the
// specification demands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mount_spec.h"

namespace brig::oci {

// ---- process -----------------------------------------------------------------------------------

struct ConsoleSize {
    unsigned height = 0;
    unsigned width = 0;
};

struct ProcessUser {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
};

/// Names as "CAP_CHOWN".
struct Capabilities {
    std::vector<std::string> bounding, effective, inheritable, permitted, ambient;
};

struct Rlimit {
    std::string type;  ///< "RLIMIT_NOFILE"
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    ProcessUser user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd = "/";
    std::optional<Capabilities> capabilities;
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::string selinux_label;
    std::optional<int> oom_score_adj;
};

// ---- what both kernels have ----------------------------------------------------------------------

struct Root {
    std::string path;  ///< absolute, or relative to the bundle
    bool readonly = false;
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<int> timeout;  ///< seconds
};

struct Hooks {
    std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart,
        poststop;
    [[nodiscard]] bool empty() const {
        return prestart.empty() && create_runtime.empty() && create_container.empty() &&
               start_container.empty() && poststart.empty() && poststop.empty();
    }
};

// ---- resources -----------------------------------------------------------------------------------

struct DeviceRule {
    bool allow = false;
    std::string type = "a";  ///< "a", "b" or "c"
    std::optional<std::int64_t> major, minor;  ///< absent or -1: any
    std::string access;      ///< subset of "rwm"
};

struct MemoryResources {
    std::optional<std::int64_t> limit, reservation, swap, kernel;  ///< bytes; -1: no limit
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
};

struct CpuResources {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> period;
    std::optional<std::uint64_t> burst;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus, mems;
    std::optional<std::int64_t> idle;
};

struct BlockThrottle {
    std::int64_t major = 0, minor = 0;
    std::uint64_t rate = 0;
};

struct BlockWeight {
    std::int64_t major = 0, minor = 0;
    std::uint16_t weight = 0;
};

struct BlockIoResources {
    std::optional<std::uint16_t> weight;
    std::vector<BlockWeight> weight_device;
    std::vector<BlockThrottle> read_bps, write_bps, read_iops, write_iops;
};

struct HugepageLimit {
    std::string page_size;  ///< "2MB"
    std::uint64_t limit = 0;
};

struct Resources {
    std::vector<DeviceRule> devices;
    MemoryResources memory;
    CpuResources cpu;
    std::optional<std::int64_t> pids_limit;  ///< <= 0: no limit
    BlockIoResources block_io;
    std::vector<HugepageLimit> hugepages;
    std::map<std::string, std::string> unified;  ///< cgroup v2 file → value
};

// ---- Linux ---------------------------------------------------------------------------------------

struct Namespace {
    std::string type;  ///< pid, network, mount, ipc, uts, user, cgroup, time
    std::string path;  ///< empty: a new one
};

struct IdMapping {
    std::uint32_t container_id = 0, host_id = 0, size = 0;
};

struct DeviceNode {
    std::string path;
    std::string type;  ///< "c", "b", "u", "p"
    std::int64_t major = 0, minor = 0;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid, gid;
};

struct SeccompArg {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;  ///< "SCMP_CMP_EQ"
};

struct SeccompRule {
    std::vector<std::string> names;
    std::string action;  ///< "SCMP_ACT_ALLOW"
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArg> args;
};

struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64"
    std::vector<std::string> flags;
    std::vector<SeccompRule> syscalls;
};

struct Linux {
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings, gid_mappings;
    std::map<std::string, std::string> sysctl;
    std::string cgroups_path;
    Resources resources;
    std::vector<DeviceNode> devices;
    std::optional<Seccomp> seccomp;
    std::string rootfs_propagation;  ///< "", "private", "slave", "shared", "unbindable", with r-
    std::vector<std::string> masked_paths, readonly_paths;
    std::string mount_label;
};

// ---- FreeBSD (runtime-spec 1.3) ------------------------------------------------------------------

struct JailAllow {
    bool set_hostname = false, raw_sockets = false, chflags = false, quotas = false,
         socket_af = false, mlock = false, reserved_ports = false, suser = false;
    std::vector<std::string> mount;
};

/// Jail parameters; an empty string leaves the kernel's default. "new", "inherit" or "disable"
/// where jail(8) has these words.
struct Jail {
    std::string parent;
    std::string host, ip4, ip6, vnet, sysvmsg, sysvsem, sysvshm;
    std::string interface;
    std::vector<std::string> ip4_addr, ip6_addr, vnet_interfaces;
    std::optional<int> enforce_statfs;
    JailAllow allow;
};

struct JailDevice {
    std::string path;
    std::optional<std::uint32_t> mode;
};

struct Freebsd {
    std::vector<JailDevice> devices;
    Jail jail;
};

// ---- the document --------------------------------------------------------------------------------

struct RuntimeSpec {
    std::string oci_version = "1.2.0";
    Process process;
    bool has_process = true;  ///< a container may be created without; it cannot be started then
    Root root;
    std::string hostname;
    std::string domainname;
    std::vector<brig::Mount> mounts;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    std::optional<Linux> linux;
    std::optional<Freebsd> freebsd;
};

/// All throw Error{invalid_argument} that names the property at fault.
RuntimeSpec runtime_spec_from_json(std::string_view text);
Process process_from_json(std::string_view text);
Resources resources_from_json(std::string_view text);

std::string to_json(const RuntimeSpec& spec);
std::string to_json(const Process& process);
std::string to_json(const Resources& resources);

}  // namespace brig::oci
