// Docker's container vocabulary (Config, HostConfig, NetworkingConfig, mounts, state) as plain
// structs: what a client asks for and what the metadata database keeps. Field names in JSON are
// docker's; the conversions are in types_json.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "oci/image_config.h"

namespace brig::engine {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;
/// Go's map[string]struct{}: "ExposedPorts", "Volumes".
using StringSet = std::set<std::string>;

/// What runs: the part of a container that an image can preset.
struct Config {
    std::string hostname;
    std::string domainname;
    std::string user;
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    StringSet exposed_ports;  ///< "80/tcp"
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    Strings env;
    std::optional<Strings> cmd;
    std::string image;  ///< as the client named it
    StringSet volumes;
    std::string working_dir;
    std::optional<Strings> entrypoint;  ///< present and empty (or {""}) resets the image's
    bool network_disabled = false;
    Strings on_build;
    StringMap labels;
    std::string stop_signal;
    std::optional<int> stop_timeout;
    Strings shell;
    std::optional<oci::HealthCheck> health_check;  ///< Test {"NONE"} takes the image's away
};

struct PortBinding {
    std::string host_ip;
    std::string host_port;  ///< "", "8080" or "8000-8010"
    bool operator==(const PortBinding&) const = default;
};
using PortMap = std::map<std::string, std::vector<PortBinding>>;

struct RestartPolicy {
    std::string name;  ///< "", "no", "always", "unless-stopped", "on-failure"
    int maximum_retry_count = 0;
};

struct LogConfig {
    std::string type;  ///< "" and "json-file", or "none"
    StringMap config;
};

struct Ulimit {
    std::string name;
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};

struct DeviceMapping {
    std::string path_on_host;
    std::string path_in_container;
    std::string cgroup_permissions;
};

/// One entry of HostConfig.Mounts (`--mount`).
struct MountRequest {
    std::string type;  ///< "bind", "volume", "tmpfs"
    std::string source;
    std::string target;
    bool read_only = false;
    std::string bind_propagation;
    bool bind_create_mountpoint = false;
    bool bind_non_recursive = false;
    bool volume_no_copy = false;
    StringMap volume_labels;
    std::int64_t tmpfs_size = 0;
    std::uint32_t tmpfs_mode = 0;
};

/// Where and within which limits it runs.
struct HostConfig {
    Strings binds;
    LogConfig log_config;
    std::string network_mode;  ///< "", "default", "bridge", "none", "host", "container:ID"
    PortMap port_bindings;
    RestartPolicy restart_policy;
    bool auto_remove = false;
    Strings volumes_from;
    std::vector<unsigned> console_size;  ///< {height, width} or empty
    Strings cap_add;
    Strings cap_drop;
    std::string cgroupns_mode;
    Strings dns;
    Strings dns_options;
    Strings dns_search;
    Strings extra_hosts;
    Strings group_add;
    std::string ipc_mode;
    int oom_score_adj = 0;
    std::string pid_mode;
    bool privileged = false;
    bool publish_all_ports = false;
    bool readonly_rootfs = false;
    Strings security_opt;
    StringMap tmpfs;
    std::string uts_mode;
    std::string userns_mode;
    std::int64_t shm_size = 0;
    StringMap sysctls;
    StringMap storage_opt;  ///< "size": how much may be written into the container
    StringMap annotations;  ///< for the runtime's config.json
    std::string runtime;
    std::optional<bool> init;
    std::int64_t cpu_shares = 0;
    std::int64_t memory = 0;
    std::int64_t nano_cpus = 0;
    std::int64_t cpu_period = 0;
    std::int64_t cpu_quota = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::int64_t memory_reservation = 0;
    std::int64_t memory_swap = 0;
    std::optional<std::int64_t> memory_swappiness;
    std::optional<bool> oom_kill_disable;
    std::optional<std::int64_t> pids_limit;
    std::string cgroup_parent;
    std::vector<DeviceMapping> devices;
    std::vector<Ulimit> ulimits;
    std::vector<MountRequest> mounts;
    std::optional<Strings> masked_paths;    ///< absent: the defaults
    std::optional<Strings> readonly_paths;  ///< absent: the defaults
};

struct EndpointConfig {
    Strings aliases;
    std::string ipv4_address, ipv6_address;
    std::string mac_address;
};

struct NetworkingConfig {
    std::map<std::string, EndpointConfig> endpoints;  ///< by network name
};

/// POST /containers/create: the body, with the query's name and platform.
struct CreateRequest {
    std::string name;  ///< empty: a random one
    std::string platform;
    Config config;
    HostConfig host;
    NetworkingConfig networking;
};

/// A resolved mount of a container ("Mounts" of inspect).
struct MountPoint {
    std::string type;         ///< "bind", "volume", "tmpfs"
    std::string name;         ///< of the volume
    std::string source;       ///< on the host
    std::string destination;  ///< in the container
    std::string driver;
    std::string mode;  ///< the option text as given: "ro", "z"
    bool rw = true;
    std::string propagation;
    bool copy_up = false;    ///< fill the empty volume from the image at first start
    bool anonymous = false;  ///< removed with the container by `rm -v` and `--rm`
    bool recursive = true;
    std::int64_t tmpfs_size = 0;
    std::uint32_t tmpfs_mode = 0;
};

enum class Status { created, running, paused, restarting, removing, exited, dead };
/// "created", "running", …
std::string_view to_string(Status status);

/// One run of a container's health check.
struct Probe {
    Instant start{};
    Instant end{};
    int exit_code = 0;  ///< 0 is healthy
    std::string output;
};

/// "Health" of a container's state.
struct Health {
    std::string status = "starting";  ///< "healthy", "unhealthy"
    int failing_streak = 0;
    std::vector<Probe> log;  ///< the last few, oldest first
};

struct State {
    Status status = Status::created;
    bool oom_killed = false;
    int pid = 0;
    int exit_code = 0;
    std::string error;
    std::optional<Instant> started_at;
    std::optional<Instant> finished_at;
    std::optional<Health> health;  ///< of a container with a health check

    [[nodiscard]] bool running() const {
        return status == Status::running || status == Status::paused;
    }
};

// JSON by argument-dependent look-up (`value.get<HostConfig>()`, `json = value`). Unknown fields
// are ignored, null stands for absent; a wrong type throws nlohmann's exception, parse_create()
// maps it.
void to_json(nlohmann::json& out, const Config& value);
void from_json(const nlohmann::json& in, Config& value);
void to_json(nlohmann::json& out, const HostConfig& value);
void from_json(const nlohmann::json& in, HostConfig& value);
void to_json(nlohmann::json& out, const NetworkingConfig& value);
void from_json(const nlohmann::json& in, NetworkingConfig& value);
void to_json(nlohmann::json& out, const MountPoint& value);
void from_json(const nlohmann::json& in, MountPoint& value);
void to_json(nlohmann::json& out, const State& value);
void from_json(const nlohmann::json& in, State& value);
void to_json(nlohmann::json& out, const PortMap& value);

/// Throws invalid_argument for limits and policies that contradict themselves.
void check_host_config(const HostConfig& host);
/// The body of POST /containers/create. Throws Error: invalid_argument for malformed JSON or
/// fields, not_implemented naming an option that Brig does not have and that would matter.
CreateRequest parse_create(std::string_view body);

}  // namespace brig::engine
