// See jail_options.h.
#include "engine/jail_options.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"

namespace brig::engine {
namespace {

void refuse(bool wanted, std::string_view option, std::string_view why) {
    if (wanted)
        throw Error(ErrorKind::not_implemented, "{} is not possible on FreeBSD: {}", option, why);
}

/// Not what asks for the host's, or for none, of a kind that there is only one of.
void check_sharing(const HostConfig& host, std::string_view image_os) {
    refuse(host.pid_mode == "host", "--pid host", "a jail sees its own processes only");
    refuse(host.ipc_mode == "shareable", "--ipc shareable", "jails do not share with each other");
    refuse(host.cgroupns_mode == "host", "--cgroupns host", "there are no control groups");
    refuse(host.shm_size > 0 && image_os != "linux", "--shm-size",
           "shared memory is not a file system here; --memory limits it with the rest");
}

void check_kernel_settings(const HostConfig& host) {
    refuse(!host.sysctls.empty(), "--sysctl",
           "a jail's settings cannot be changed from outside; run sysctl in the container, whose "
           "network "
           "stack has settings of its own");
    refuse(host.oom_score_adj != 0, "--oom-score-adj", "the kernel has no such score");
    refuse(host.oom_kill_disable.value_or(false), "--oom-kill-disable",
           "what grows past --memory is killed");
    refuse(host.memory_reservation > 0, "--memory-reservation", "rctl has no soft limits");
    refuse(host.memory_swappiness.has_value(), "--memory-swappiness",
           "it is the kernel's, not a jail's");
    refuse(host.cpu_shares > 0, "--cpu-shares",
           "there are no weights; use --cpus or --cpuset-cpus");
    refuse(!host.cpuset_mems.empty(), "--cpuset-mems", "jails are not bound to memory nodes");
    constexpr std::array<std::string_view, 6> linux_only{"locks",  "msgqueue", "nice",
                                                         "rtprio", "rttime",   "sigpending"};
    for (const auto& limit : host.ulimits) {
        refuse(std::ranges::find(linux_only, limit.name) != linux_only.end(),
               "--ulimit " + limit.name, "the kernel has no such limit");
    }
}

void check_rights(const HostConfig& host) {
    constexpr std::string_view instead =
        "there are no capabilities; say what a jail may do by --jail-param allow.NAME=true";
    refuse(!host.cap_add.empty(), "--cap-add", instead);
    refuse(!host.cap_drop.empty(), "--cap-drop", instead);
    for (const auto& option : host.security_opt) {
        const auto [name, value] = split_once(option, '=');
        refuse((name == "seccomp" || name == "apparmor") && value != "unconfined",
               "--security-opt " + name, "the kernel has no such filter");
    }
    const auto given = [](const std::optional<Strings>& paths) { return paths && !paths->empty(); };
    refuse(given(host.masked_paths), "MaskedPaths", "use a devfs ruleset or a tmpfs over the path");
    refuse(given(host.readonly_paths), "ReadonlyPaths", "use a read-only mount over the path");
}

void check_devices(const HostConfig& host) {
    for (const auto& device : host.devices) {
        const auto& inside = device.path_in_container;
        refuse(!inside.empty() && inside != device.path_on_host,
               fmt::format("--device {}:{}", device.path_on_host, inside),
               "a device has the same name in every devfs");
        const auto& access = device.cgroup_permissions;
        const bool all = access.empty() || (access.find('r') != std::string::npos &&
                                            access.find('w') != std::string::npos);
        refuse(!all, fmt::format("--device {}:{}", device.path_on_host, access),
               "devfs rules show a device or hide it; its mode says who may do what");
    }
}

bool spreads(std::string_view propagation) {
    constexpr std::array<std::string_view, 4> words{"shared", "rshared", "slave", "rslave"};
    return std::ranges::find(words, propagation) != words.end();
}

void check_mounts(const HostConfig& host) {
    constexpr std::string_view why = "mounts do not spread through nullfs";
    for (const auto& bind : host.binds) {
        const auto options = split(bind.substr(bind.rfind(':') + 1), ',');
        for (const auto& option : options) refuse(spreads(option), "--volume " + bind, why);
    }
    for (const auto& mount : host.mounts)
        refuse(spreads(mount.bind_propagation), "bind-propagation=" + mount.bind_propagation, why);
}

/// A kernel that C libraries of today accept; the module's own default is older in some releases.
constexpr const char* linux_release = "5.15.0";

void set_linux_image(oci::RuntimeSpec& spec, const HostConfig& host) {
    for (auto& mount : spec.mounts) {
        if (mount.type == "fdescfs") mount.options.emplace_back("linrdlnk");
    }
    spec.mounts.push_back({"linprocfs", "linprocfs", "/proc", {}});
    spec.mounts.push_back({"linsysfs", "linsysfs", "/sys", {}});
    spec.mounts.push_back(
        {"tmpfs", "shm", "/dev/shm", {"mode=1777", "size=" + std::to_string(host.shm_size)}});
    spec.annotations.emplace(std::string(jail_parameter) + "linux.osrelease", linux_release);
}

}  // namespace

void check_jail_options(const HostConfig& host, std::string_view image_os) {
    check_sharing(host, image_os);
    check_kernel_settings(host);
    check_rights(host);
    check_devices(host);
    check_mounts(host);
}

void check_namespace_options(const HostConfig& host) {
    for (const auto& [name, value] : host.annotations) {
        if (name.starts_with(jail_parameter)) {
            throw Error(ErrorKind::not_implemented,
                        "--jail-param {} is not possible on Linux: there are no jails",
                        name.substr(jail_parameter.size()));
        }
    }
}

void set_jail(oci::RuntimeSpec& spec, const Record& record) {
    if (!spec.freebsd) return;
    const auto& host = record.host;
    auto& jail = spec.freebsd->jail;
    if (record.network() == "host") jail.vnet = jail.ip4 = jail.ip6 = "inherit";
    if (host.uts_mode == "host") jail.host = "inherit";
    if (host.ipc_mode == "host") jail.sysvmsg = jail.sysvsem = jail.sysvshm = "inherit";
    if (record.os == "linux") set_linux_image(spec, host);
    if (host.ipc_mode == "none") jail.sysvmsg = jail.sysvsem = jail.sysvshm = "disable";
    if (!host.privileged) return;
    auto& allow = jail.allow;
    allow.set_hostname = allow.raw_sockets = allow.chflags = allow.quotas = allow.socket_af = true;
    allow.mlock = true;
    // Those that every container host has loaded; without the module there is no such parameter.
    allow.mount = {"devfs", "fdescfs", "nullfs"};
    jail.enforce_statfs = 1;  // mounting needs less than 2
}

}  // namespace brig::engine
