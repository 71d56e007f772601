// The body of POST /containers/create, and the refusal in words of what Brig does not do: an option
// that a container's isolation or data depend on is never ignored in silence.
#include <array>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "engine/json_fields.h"
#include "engine/types.h"

namespace brig::engine {

using nlohmann::json;

namespace {

[[noreturn]] void refuse(std::string_view option) {
    throw Error(ErrorKind::not_implemented, "{} is not implemented", option);
}

bool is_set(const json& value) {
    if (value.is_null()) return false;
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number()) return value.get<double>() > 0;
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return !value.empty();
}

/// Fields of HostConfig that have no member in ours: {docker's name, the flag}.
void refuse_unknown_limits(const json& host) {
    constexpr std::array<std::pair<const char*, const char*>, 13> fields{{
        {"Links", "linking containers (--link)"},
        {"DeviceRequests", "device requests (--gpus)"},
        {"DeviceCgroupRules", "--device-cgroup-rule"},
        {"BlkioWeight", "--blkio-weight"},
        {"BlkioWeightDevice", "--blkio-weight-device"},
        {"BlkioDeviceReadBps", "--device-read-bps"},
        {"BlkioDeviceWriteBps", "--device-write-bps"},
        {"BlkioDeviceReadIOps", "--device-read-iops"},
        {"BlkioDeviceWriteIOps", "--device-write-iops"},
        {"CpuRealtimePeriod", "--cpu-rt-period"},
        {"CpuRealtimeRuntime", "--cpu-rt-runtime"},
        {"ContainerIDFile", nullptr},  // the client writes it
        {"Cgroup", "HostConfig.Cgroup"},
    }};
    for (const auto& [name, option] : fields) {
        const auto found = host.find(name);
        if (option != nullptr && found != host.end() && is_set(*found)) refuse(option);
    }
    std::string volume_driver;
    field(host, "VolumeDriver", volume_driver);
    if (!volume_driver.empty() && volume_driver != "local")
        refuse("volume driver " + volume_driver);
}

void check_namespace_modes(const HostConfig& host) {
    if (!host.userns_mode.empty() && host.userns_mode != "host")
        throw Error(ErrorKind::invalid_argument, "invalid userns mode: {}", host.userns_mode);
    const auto names_container = [](std::string_view mode) {
        return mode.starts_with("container:") && mode != "container:";
    };
    if (!host.pid_mode.empty() && host.pid_mode != "host" && host.pid_mode != "private" &&
        !names_container(host.pid_mode)) {
        throw Error(ErrorKind::invalid_argument, "invalid PID mode: {}", host.pid_mode);
    }
    constexpr std::array<std::string_view, 5> ipc{"", "private", "shareable", "host", "none"};
    if (std::ranges::find(ipc, host.ipc_mode) == ipc.end() && !names_container(host.ipc_mode))
        throw Error(ErrorKind::invalid_argument, "invalid IPC mode: {}", host.ipc_mode);
    if (!host.uts_mode.empty() && host.uts_mode != "host") refuse("--uts " + host.uts_mode);
    if (!host.cgroupns_mode.empty() && host.cgroupns_mode != "host" &&
        host.cgroupns_mode != "private") {
        throw Error(ErrorKind::invalid_argument, "invalid cgroup namespace mode: {}",
                    host.cgroupns_mode);
    }
    constexpr std::array<std::string_view, 5> runtimes{"", "brig", "brig-runtime", "runc",
                                                       "io.containerd.runc.v2"};
    if (std::ranges::find(runtimes, host.runtime) == runtimes.end()) {
        throw Error(ErrorKind::invalid_argument, "unknown or invalid runtime name: {}",
                    host.runtime);
    }
    if (!host.cgroup_parent.empty()) refuse("--cgroup-parent");
}

void check_security(const HostConfig& host) {
    for (const auto& option : host.security_opt) {
        const auto at = option.find_first_of("=:");
        const std::string name = option.substr(0, at);
        const std::string value = at == std::string::npos ? "" : option.substr(at + 1);
        if (name == "no-new-privileges") {
            if (!value.empty() && !parse_bool(value)) {
                throw Error(ErrorKind::invalid_argument, "invalid --security-opt: {}", option);
            }
        } else if (name == "seccomp") {
            if (value != "unconfined" && value != "builtin")
                refuse("a seccomp profile of one's own");
        } else if (name == "apparmor" || name == "label") {
            if (value != "unconfined" && value != "disable" && value != "docker-default") {
                refuse("--security-opt " + option);
            }
        } else {
            throw Error(ErrorKind::invalid_argument, "invalid --security-opt: {}", option);
        }
    }
}

void check_policies(const HostConfig& host) {
    const auto& restart = host.restart_policy;
    constexpr std::array<std::string_view, 5> policies{"", "no", "always", "unless-stopped",
                                                       "on-failure"};
    if (std::ranges::find(policies, restart.name) == policies.end()) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid restart policy: unknown policy '{}'; use one of "
                    "'no', 'always', 'on-failure', or 'unless-stopped'",
                    restart.name);
    }
    if (restart.maximum_retry_count < 0 ||
        (restart.maximum_retry_count > 0 && restart.name != "on-failure")) {
        throw Error(
            ErrorKind::invalid_argument,
            "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    }
    if (host.auto_remove && !restart.name.empty() && restart.name != "no") {
        throw Error(ErrorKind::invalid_argument,
                    "can't create 'AutoRemove' container with restart policy");
    }
    const auto& driver = host.log_config.type;
    if (!driver.empty() && driver != "json-file" && driver != "none") {
        throw Error(ErrorKind::invalid_argument, "logger: no log driver named '{}' is registered",
                    driver);
    }
}

void check_limits(const HostConfig& host) {
    constexpr std::int64_t least_memory = 6 << 20;
    if (host.memory < 0 || (host.memory > 0 && host.memory < least_memory)) {
        throw Error(ErrorKind::invalid_argument, "minimum memory limit allowed is 6MB");
    }
    if (host.memory_swap > 0 && host.memory == 0) {
        throw Error(
            ErrorKind::invalid_argument,
            "you should always set the memory limit when using memory swap limit, see usage");
    }
    if (host.memory_swap > 0 && host.memory_swap < host.memory) {
        throw Error(ErrorKind::invalid_argument,
                    "minimum memoryswap limit should be larger than memory limit, see usage");
    }
    if (host.nano_cpus < 0)
        throw Error(ErrorKind::invalid_argument, "range of CPUs starts at 0.01");
    if (host.nano_cpus > 0 && (host.cpu_quota > 0 || host.cpu_period > 0)) {
        throw Error(ErrorKind::invalid_argument,
                    "conflicting options: nano CPUs and CPU period or quota cannot both be set");
    }
    if (host.shm_size < 0)
        throw Error(ErrorKind::invalid_argument, "SHM size can not be less than 0");
    if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid value {}, range for oom score adj is [-1000, 1000]",
                    host.oom_score_adj);
    }
}

}  // namespace

void check_host_config(const HostConfig& host) {
    check_policies(host);
    check_limits(host);
}

CreateRequest parse_create(std::string_view body) {
    const json document = parse_object(body);
    CreateRequest request;
    from_json(document, request.config);
    json host = json::object();
    field(document, "HostConfig", host);
    if (!host.is_object()) throw Error(ErrorKind::invalid_argument, "HostConfig is not an object");
    from_json(host, request.host);
    json networking = json::object();
    field(document, "NetworkingConfig", networking);
    if (networking.is_object()) from_json(networking, request.networking);

    refuse_unknown_limits(host);
    check_namespace_modes(request.host);
    check_security(request.host);
    check_host_config(request.host);
    return request;
}

}  // namespace brig::engine
