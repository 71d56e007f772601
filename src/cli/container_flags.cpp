// The flags of run and create; see container_flags.h.
#include "cli/container_flags.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/strings.h"
#include "cli/env_file.h"
#include "cli/mount_flag.h"

namespace brig::cli {
namespace {

void add_stream(std::vector<std::string>& streams, const std::string& text) {
    const std::string name = to_lower(text);
    if (name != "stdin" && name != "stdout" && name != "stderr") {
        throw BadValue("valid streams are STDIN, STDOUT and STDERR");
    }
    streams.push_back(name);
}

void add_sysctl(Json& sysctls, const std::string& text) {
    const auto [name, value] = split_once(text, '=');
    constexpr std::string_view namespaced[] = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    const bool known = std::ranges::find(namespaced, name) != std::end(namespaced) ||
                       name.starts_with("net.") || name.starts_with("fs.mqueue.");
    if (!known) throw BadValue(fmt::format("sysctl '{}' is not allowed", text));
    sysctls[name] = value.value_or("");
}

void add_dns(std::vector<std::string>& servers, const std::string& text) {
    unsigned char storage[16];
    const std::string address(trim(text));
    if (::inet_pton(AF_INET, address.c_str(), storage) != 1 &&
        ::inet_pton(AF_INET6, address.c_str(), storage) != 1) {
        throw BadValue("IP address is not correctly formatted: " + text);
    }
    servers.push_back(address);
}

}  // namespace

void ContainerFlags::declare(Flags& flags) {
    declare_process(flags);
    declare_resources(flags);
    declare_network(flags);
    declare_storage(flags);
    declare_security(flags);
    declare_health(flags);
    flags.text("name", name, "Name of the container");
    flags.text("platform", platform, "Platform of the image, where it has several");
    flags.text("pull", pull, "Whether to fetch the image first: always, missing, never")
        .shows_default("\"missing\"");
    flags.text("cidfile", cidfile, "File to write the container's ID to");
    flags.toggle("rm", auto_remove,
                 "Remove the container and its anonymous volumes once it has exited");
    flags.value(
        "attach,a", "list", [this](const std::string& v) { add_stream(attach, v); },
        "Attach only these of stdin, stdout and stderr");
}

void ContainerFlags::declare_process(Flags& flags) {
    flags.toggle("interactive,i", interactive, "Keep standard input open");
    flags.toggle("tty,t", tty, "Give the container a terminal");
    flags.value(
        "env,e", "list", [this](const std::string& v) { env_.push_back(resolve_env(v)); },
        "Set an environment variable, or pass on ours");
    flags.list("env-file", env_files_, "Read environment variables from a file");
    flags.list("label,l", labels_, "Set a label");
    flags.list("label-file", label_files_, "Read labels from a file");
    flags.list("group-add", group_add_, "Join another group");
    flags.value(
        "entrypoint", "string", [this](const std::string& v) { entrypoint_ = v; },
        "Replace the image's entry point");
    flags.text("workdir,w", workdir_, "Directory to start in");
    flags.text("user,u", user_, "User (and group) to run as: <name|uid>[:<group|gid>]");
    flags.text("hostname,h", hostname_, "Host name inside the container");
    flags.text("domainname", domainname_, "NIS domain name inside the container");
    flags.text("stop-signal", stop_signal_, "Signal that asks the container to stop");
    flags.number("stop-timeout", stop_timeout_, "Seconds to wait for that before killing");
    flags.text("restart", restart_,
               "When to start again: no, always, unless-stopped, on-failure[:N]");
    flags.toggle("init", init_, "Run a small init as the first process");
}

void ContainerFlags::declare_resources(Flags& flags) {
    flags.bytes("memory,m", memory_, "Memory limit");
    flags.value(
        "memory-swap", "bytes",
        [this](const std::string& v) { memory_swap_ = v == "-1" ? -1 : parse_size(v); },
        "Limit of memory and swap together; -1 for unlimited swap");
    flags.bytes("memory-reservation", memory_reservation_,
                "Memory that is only taken away under pressure");
    flags.value(
        "cpus", "decimal", [this](const std::string& v) { nano_cpus_ = parse_cpus(v); },
        "Number of CPUs");
    flags.number("cpu-shares,c", cpu_shares_, "Relative weight in sharing CPUs");
    flags.number("cpu-period", cpu_period_, "Scheduling period in microseconds");
    flags.number("cpu-quota", cpu_quota_, "CPU time per period in microseconds");
    flags.text("cpuset-cpus", cpuset_cpus_, "CPUs to run on (0-3, 0,1)");
    flags.text("cpuset-mems", cpuset_mems_, "Memory nodes to use (0-3, 0,1)");
    flags.number("pids-limit", pids_limit_, "Most processes at a time; -1 for unlimited");
    flags.bytes("shm-size", shm_size_, "Size of /dev/shm");
    flags.number("oom-score-adj", oom_score_adj_,
                 "How readily the kernel kills it when out of memory (-1000 to 1000)");
    flags.toggle("oom-kill-disable", oom_kill_disable_, "Never kill it when out of memory");
    flags.text("cgroup-parent", cgroup_parent_, "Parent of the container's cgroup");
    flags.value(
        "ulimit", "ulimit", [this](const std::string& v) { ulimits_.push_back(parse_ulimit(v)); },
        "Set a resource limit: NAME=SOFT[:HARD]");
}

void ContainerFlags::declare_network(Flags& flags) {
    flags.list("publish,p", publish_, "Publish a port: [IP:][HOST:]CONTAINER[/PROTOCOL]");
    flags.toggle("publish-all,P", publish_all_,
                 "Publish all exposed ports on free ports of the host");
    flags.list("expose", expose_, "Expose a port or a range of ports");
    flags.list("network", networks_, "Network to join: bridge, host, none or a name");
    flags.list("net", networks_, "Network to join").hide();
    flags.list("network-alias", aliases_, "Another name for the container on its network");
    flags.list("net-alias", aliases_, "Another name for the container on its network").hide();
    flags.value(
        "add-host", "list",
        [this](const std::string& v) { add_hosts_.push_back(parse_add_host(v)); },
        "Add a line to /etc/hosts (HOST:IP)");
    flags.value(
        "dns", "list", [this](const std::string& v) { add_dns(dns_, v); }, "DNS server to use");
    flags.list("dns-option", dns_options_, "Option for the resolver");
    flags.list("dns-opt", dns_options_, "Option for the resolver").hide();
    flags.list("dns-search", dns_search_, "Domain to search names in");
    flags.text("ip", ip_, "IPv4 address on the network");
    flags.text("ip6", ip6_, "IPv6 address on the network");
    flags.text("mac-address", mac_, "MAC address");
}

void ContainerFlags::declare_storage(Flags& flags) {
    flags.list("volume,v", volumes_,
               "Mount a volume or a path of the host: [SOURCE:]TARGET[:OPTIONS]");
    flags.value(
        "mount", "mount", [this](const std::string& v) { mounts_.push_back(parse_mount_flag(v)); },
        "Mount a file system: type=bind|volume|tmpfs,source=…,target=…");
    flags.list("tmpfs", tmpfs_, "Mount a tmpfs: TARGET[:OPTIONS]");
    flags.list("volumes-from", volumes_from_, "Mount the volumes of another container");
    flags.text("volume-driver", volume_driver_, "Driver of new volumes");
    flags.list("device", devices_, "Add a device of the host: HOST[:CONTAINER[:rwm]]");
    flags.list("device-cgroup-rule", device_rules_, "Allow devices by cgroup rule");
    flags.value(
        "storage-opt", "map",
        [this](const std::string& v) {
            const auto [option, setting] = split_once(v, '=');
            if (!setting) throw BadValue("invalid storage option: " + v);
            storage_opt_[option] = *setting;
        },
        "Option of the storage driver (size=BYTES)");
    flags.toggle("read-only", read_only_, "Mount the root file system read-only");
}

void ContainerFlags::declare_security(Flags& flags) {
    flags.list("cap-add", cap_add_, "Add a capability");
    flags.list("cap-drop", cap_drop_, "Drop a capability");
    flags.toggle("privileged", privileged_,
                 "Give the container the host's devices and all privileges");
    flags.list("security-opt", security_, "Security option (no-new-privileges, seccomp=FILE, …)");
    flags.value(
        "sysctl", "map", [this](const std::string& v) { add_sysctl(sysctls_, v); },
        "Set a namespaced sysctl");
    flags.text("pid", pid_, "PID namespace (host, container:NAME)");
    flags.text("ipc", ipc_, "IPC namespace (none, private, shareable, host, container:NAME)");
    flags.text("uts", uts_, "UTS namespace (host)");
    flags.text("userns", userns_, "User namespace (host)");
    flags.text("cgroupns", cgroupns_, "Cgroup namespace (host, private)");
    flags.text("log-driver", log_driver_, "Log driver");
    flags.list("log-opt", log_opts_, "Option of the log driver");
    flags.text("runtime", runtime_, "OCI runtime");
    flags.value(
        "annotation", "map",
        [this](const std::string& v) {
            const auto [name_part, value] = split_once(v, '=');
            annotations_[name_part] = value.value_or("");
        },
        "Set an OCI annotation");
    flags.value(
        "jail-param", "map",
        [this](const std::string& v) {
            const auto [name_part, value] = split_once(v, '=');
            annotations_["org.freebsd.jail." + name_part] = value.value_or("true");
        },
        "Set a parameter of the jail, on FreeBSD: NAME=VALUE, as in jail(8)");
}

void ContainerFlags::declare_health(Flags& flags) {
    const auto duration = [&flags](std::string_view flag, std::optional<std::int64_t>& target,
                                   std::string_view help) {
        flags.value(
            flag, "duration", [&target](const std::string& v) { target = parse_go_duration(v); },
            help);
    };
    flags.text("health-cmd", health_cmd_, "Command that checks the container's health");
    duration("health-interval", health_interval_, "Time between checks");
    duration("health-timeout", health_timeout_, "Longest time that a check may take");
    duration("health-start-period", health_start_period_,
             "Time to start in, when failures do not count");
    duration("health-start-interval", health_start_interval_, "Time between checks while starting");
    flags.number("health-retries", health_retries_, "Failures in a row that make it unhealthy");
    flags.toggle("no-healthcheck", no_healthcheck_, "Ignore the image's health check");
}

}  // namespace brig::cli
