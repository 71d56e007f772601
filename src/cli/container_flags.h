// The flags that run and create share, and the API request that they make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/json.h"

namespace brig::cli {

struct ContainerFlags {
    void declare(Flags& flags);

    /// The body of POST /containers/create; `detached`: nobody will be attached.
    /// Throws Error{invalid_argument}.
    [[nodiscard]] Json request(const std::string& image, const std::vector<std::string>& command,
                               bool detached) const;

    bool interactive = false;
    bool tty = false;
    bool auto_remove = false;
    std::string name;
    std::string platform;
    std::string pull = "missing";
    std::string cidfile;
    std::vector<std::string> attach;  ///< "stdin", "stdout", "stderr"

private:
    void declare_process(Flags& flags);
    void declare_resources(Flags& flags);
    void declare_network(Flags& flags);
    void declare_storage(Flags& flags);
    void declare_security(Flags& flags);
    void declare_health(Flags& flags);

    void add_process(Json& config, bool detached) const;
    void add_ports(Json& config, Json& host) const;
    void add_volumes(Json& config, Json& host) const;
    void add_resources(Json& host) const;
    void add_namespaces(Json& host) const;
    void add_network(Json& config, Json& host) const;
    void add_health(Json& config) const;

    // process
    std::vector<std::string> env_, env_files_, labels_, label_files_, group_add_;
    std::optional<std::string> entrypoint_;
    std::string workdir_, user_, hostname_, domainname_, stop_signal_, restart_;
    std::optional<std::int64_t> stop_timeout_;
    bool init_ = false;
    // resources
    std::optional<std::int64_t> memory_, memory_swap_, memory_reservation_, nano_cpus_, cpu_shares_,
        cpu_period_, cpu_quota_, pids_limit_, shm_size_, oom_score_adj_;
    std::string cpuset_cpus_, cpuset_mems_, cgroup_parent_;
    bool oom_kill_disable_ = false;
    Json ulimits_ = Json::array();
    // network
    std::vector<std::string> publish_, expose_, networks_, aliases_, add_hosts_, dns_, dns_options_,
        dns_search_;
    std::string ip_, ip6_, mac_;
    bool publish_all_ = false;
    // storage
    std::vector<std::string> volumes_, tmpfs_, volumes_from_, devices_, device_rules_;
    Json mounts_ = Json::array();
    std::string volume_driver_;
    bool read_only_ = false;
    // security and the rest
    std::vector<std::string> cap_add_, cap_drop_, security_, log_opts_;
    bool privileged_ = false;
    Json sysctls_ = Json::object();
    Json storage_opt_ = Json::object();
    Json annotations_ = Json::object();
    std::string pid_, ipc_, uts_, userns_, cgroupns_, log_driver_, runtime_;
    // health
    std::string health_cmd_;
    std::optional<std::int64_t> health_interval_, health_timeout_, health_start_period_,
        health_start_interval_, health_retries_;
    bool no_healthcheck_ = false;
};

/// "nofile=1024:2048" → {"Name","Soft","Hard"}. Throws BadValue.
Json parse_ulimit(const std::string& text);
/// "1.5" → 1500000000. Throws BadValue.
std::int64_t parse_cpus(const std::string& text);
/// Go's durations ("1m30s") in nanoseconds. Throws BadValue.
std::int64_t parse_go_duration(const std::string& text);
/// "/dev/a[:/dev/b[:rwm]]" → the API's device. Throws Error{invalid_argument}.
Json parse_device(const std::string& text);
/// "on-failure:3" → the API's restart policy. Throws Error{invalid_argument}.
Json parse_restart_policy(const std::string& text);
/// "name:1.2.3.4" or "name=1.2.3.4" → with a colon. Throws BadValue.
std::string parse_add_host(const std::string& text);

}  // namespace brig::cli
