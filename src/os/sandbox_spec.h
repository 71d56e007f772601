// A container described to the kernel as plain data, in the OCI runtime specification's shape, so
// that oci reuses these types for its JSON. Both kernels read the common part; LinuxSettings and
// JailSettings are each ignored by the other one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mount_spec.h"
#include "os/resources.h"

namespace brig::os {

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

/// Names as "CAP_CHOWN"; names the kernel does not know are left out.
struct Capabilities {
    std::vector<std::string> bounding, effective, inheritable, permitted, ambient;
};

struct Rlimit {
    std::string type;  ///< "RLIMIT_NOFILE"
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
};

/// Linux: sched_setattr(2).
struct Scheduler {
    std::string policy;  ///< "SCHED_OTHER"
    std::int32_t nice = 0, priority = 0;
    std::vector<std::string> flags;  ///< "SCHED_FLAG_RESET_ON_FORK"
    std::uint64_t runtime = 0, deadline = 0, period = 0;
};

/// Linux: ioprio_set(2).
struct IoPriority {
    std::string io_class;  ///< "IOPRIO_CLASS_BE"
    int priority = 0;
};

/// Lists of processors ("0-2,5") before and after the process joins the container's limits.
struct CpuAffinity {
    std::string initial, final;
};

/// Linux: set_mempolicy(2), words as there.
struct MemoryPolicy {
    std::string mode;   ///< "MPOL_BIND"
    std::string nodes;  ///< "0-3,7"
    std::vector<std::string> flags;
};

struct ProcessSpec {
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
    std::optional<Scheduler> scheduler;
    std::optional<IoPriority> io_priority;
    std::optional<CpuAffinity> exec_affinity;   ///< for processes that enter a container only
    std::optional<MemoryPolicy> memory_policy;  ///< the container's: LinuxSettings::memory_policy
};

// ---- Linux ----

struct Namespace {
    std::string type;  ///< pid, network, mount, ipc, uts, user, cgroup, time
    std::string path;  ///< empty: a new one
};

using brig::IdMapping;

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

/// What a time namespace's clock is ahead of the host's.
struct TimeOffset {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

struct Seccomp {
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64"
    std::vector<std::string> flags;
    std::vector<SeccompRule> syscalls;
    std::string listener_path;  ///< unix socket that is sent what SCMP_ACT_NOTIFY asks
    std::string listener_metadata;
};

struct LinuxSettings {
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
    std::map<std::string, TimeOffset> time_offsets;  ///< "monotonic", "boottime"
    std::string personality;                         ///< "", "LINUX" or "LINUX32"
    std::optional<MemoryPolicy> memory_policy;
    std::map<std::string, std::string> net_devices;  ///< the host's name → the container's
    /// Where pivot_root(2) cannot take the root away, because it is the kernel's initial ramfs or a
    /// chroot, it is only covered, and who may chroot(2) can get at it.
    bool no_pivot = false;
};

// ---- FreeBSD (runtime-spec 1.3) ----

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
    /// Others by the kernel's names ("securelevel", "allow.mount.zfs"), over all of the above.
    std::map<std::string, std::string> parameters;
};

struct JailDevice {
    std::string path;
    std::optional<std::uint32_t> mode;
};

struct JailSettings {
    std::vector<JailDevice> devices;
    Jail jail;
};

// ---- the whole ----

struct SandboxSpec {
    std::string id;
    ProcessSpec process;
    std::string root;  ///< absolute host path of the directory that becomes (or carries) the root
    bool root_readonly = false;
    std::vector<brig::Mount> root_mounts;  ///< mounted over `root` first; inside where possible
    std::vector<brig::Mount> mounts;
    std::string hostname;
    std::string domainname;
    LinuxSettings linux_settings;
    JailSettings jail_settings;
    std::map<std::string, std::string> annotations;
};

}  // namespace brig::os
