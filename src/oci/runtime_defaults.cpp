// See runtime_defaults.h.
#include "oci/runtime_defaults.h"

namespace brig::oci {

const std::vector<std::string>& default_capabilities() {
    static const std::vector<std::string> names{
        "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
        "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
        "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
        "CAP_KILL",    "CAP_AUDIT_WRITE"};
    return names;
}

const std::vector<std::string>& all_capabilities() {
    static const std::vector<std::string> names{"CAP_CHOWN",
                                                "CAP_DAC_OVERRIDE",
                                                "CAP_DAC_READ_SEARCH",
                                                "CAP_FOWNER",
                                                "CAP_FSETID",
                                                "CAP_KILL",
                                                "CAP_SETGID",
                                                "CAP_SETUID",
                                                "CAP_SETPCAP",
                                                "CAP_LINUX_IMMUTABLE",
                                                "CAP_NET_BIND_SERVICE",
                                                "CAP_NET_BROADCAST",
                                                "CAP_NET_ADMIN",
                                                "CAP_NET_RAW",
                                                "CAP_IPC_LOCK",
                                                "CAP_IPC_OWNER",
                                                "CAP_SYS_MODULE",
                                                "CAP_SYS_RAWIO",
                                                "CAP_SYS_CHROOT",
                                                "CAP_SYS_PTRACE",
                                                "CAP_SYS_PACCT",
                                                "CAP_SYS_ADMIN",
                                                "CAP_SYS_BOOT",
                                                "CAP_SYS_NICE",
                                                "CAP_SYS_RESOURCE",
                                                "CAP_SYS_TIME",
                                                "CAP_SYS_TTY_CONFIG",
                                                "CAP_MKNOD",
                                                "CAP_LEASE",
                                                "CAP_AUDIT_WRITE",
                                                "CAP_AUDIT_CONTROL",
                                                "CAP_SETFCAP",
                                                "CAP_MAC_OVERRIDE",
                                                "CAP_MAC_ADMIN",
                                                "CAP_SYSLOG",
                                                "CAP_WAKE_ALARM",
                                                "CAP_BLOCK_SUSPEND",
                                                "CAP_AUDIT_READ",
                                                "CAP_PERFMON",
                                                "CAP_BPF",
                                                "CAP_CHECKPOINT_RESTORE"};
    return names;
}

const std::vector<std::string>& default_masked_paths() {
    static const std::vector<std::string> paths{"/proc/acpi",
                                                "/proc/asound",
                                                "/proc/interrupts",
                                                "/proc/kcore",
                                                "/proc/keys",
                                                "/proc/latency_stats",
                                                "/proc/sched_debug",
                                                "/proc/scsi",
                                                "/proc/timer_list",
                                                "/proc/timer_stats",
                                                "/sys/devices/virtual/powercap",
                                                "/sys/firmware"};
    return paths;
}

const std::vector<std::string>& default_readonly_paths() {
    static const std::vector<std::string> paths{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                "/proc/sysrq-trigger"};
    return paths;
}

std::vector<brig::Mount> default_linux_mounts() {
    return {
        {"proc", "proc", "/proc", {"nosuid", "noexec", "nodev"}},
        {"tmpfs", "tmpfs", "/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"devpts",
         "devpts",
         "/dev/pts",
         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev", "ro"}},
        {"cgroup", "cgroup", "/sys/fs/cgroup", {"ro", "nosuid", "noexec", "nodev"}},
        {"mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}},
        {"tmpfs", "shm", "/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
    };
}

const std::vector<std::string>& default_mount_points() {
    static const std::vector<std::string> paths{"etc/resolv.conf",
                                                "etc/hosts",
                                                "etc/hostname",
                                                "dev/console",
                                                "dev/pts",
                                                "dev/shm",
                                                "dev/mqueue",
                                                "dev/fd",
                                                "sbin/docker-init",
                                                "etc",
                                                "dev",
                                                "proc",
                                                "sys",
                                                "sbin"};
    return paths;
}

std::vector<DeviceRule> default_device_rules() { return {{false, "a", {}, {}, "rwm"}}; }

namespace {

Process default_process() {
    Process process;
    process.args = {"sh"};
    process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "TERM=xterm"};
    return process;
}

}  // namespace

RuntimeSpec default_linux_spec() {
    RuntimeSpec spec;
    spec.process = default_process();
    const auto& names = default_capabilities();
    spec.process.capabilities = Capabilities{names, names, {}, names, {}};
    spec.root.path = "rootfs";
    spec.hostname = "brig";
    spec.mounts = default_linux_mounts();
    Linux& settings = spec.linux.emplace();
    for (const char* type : {"pid", "network", "ipc", "uts", "mount", "cgroup"}) {
        settings.namespaces.push_back({type, ""});
    }
    settings.resources.devices = default_device_rules();
    settings.seccomp = default_seccomp(names);
    settings.masked_paths = default_masked_paths();
    settings.readonly_paths = default_readonly_paths();
    return spec;
}

RuntimeSpec default_freebsd_spec() {
    RuntimeSpec spec;
    spec.process = default_process();
    spec.process.env.at(0) =
        "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/root/bin";
    spec.root.path = "rootfs";
    spec.hostname = "brig";
    spec.mounts = {
        {"devfs", "devfs", "/dev", {"ruleset=4"}},
        {"fdescfs", "fdesc", "/dev/fd", {}},
    };
    Jail& jail = spec.freebsd.emplace().jail;
    jail.vnet = "new";
    jail.sysvmsg = jail.sysvsem = jail.sysvshm = "new";
    jail.enforce_statfs = 2;
    return spec;
}

}  // namespace brig::oci
