// From flags to the body of POST /containers/create. Only what was given is written: the engine
// knows the defaults, and a short body is part of a fast start.
#include <algorithm>

#include "base/file.h"
#include "base/strings.h"
#include "cli/container_flags.h"
#include "cli/env_file.h"
#include "cli/mount_flag.h"
#include "cli/port_spec.h"

namespace brig::cli {
namespace {

void set_text(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}
void set_list(Json& object, const char* key, const std::vector<std::string>& value) {
    if (!value.empty()) object[key] = value;
}
void set_number(Json& object, const char* key, const std::optional<std::int64_t>& value) {
    if (value) object[key] = *value;
}
void set_flag(Json& object, const char* key, bool value) {
    if (value) object[key] = true;
}

std::vector<std::string> capabilities(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const auto& name : names) {
        std::string upper = name;
        std::ranges::transform(upper, upper.begin(),
                               [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        out.push_back(upper == "ALL" || upper.starts_with("CAP_") ? upper : "CAP_" + upper);
    }
    return out;
}

/// A seccomp profile travels as its text: the engine may not see our files.
std::string security_option(const std::string& option) {
    if (option == "no-new-privileges") return option;
    const auto at = option.find_first_of("=:");
    if (at == std::string::npos)
        throw Error(ErrorKind::invalid_argument, "Invalid --security-opt: \"{}\"", option);
    const std::string value = option.substr(at + 1);
    if (option.substr(0, at) != "seccomp" || value == "unconfined" || value == "builtin")
        return option;
    try {
        return "seccomp=" + parse_json(read_file(value)).dump();
    } catch (const Error& error) {
        throw error.within(fmt::format("opening seccomp profile ({}) failed", value));
    }
}

void check_namespace(const char* flag, const char* title, const std::string& value) {
    if (value.empty() || value == "host" ||
        (std::string_view(flag) == "pid" && value.starts_with("container:")))
        return;
    throw Error(ErrorKind::invalid_argument, "--{}: invalid {} mode", flag, title);
}

}  // namespace

Json ContainerFlags::request(const std::string& image, const std::vector<std::string>& command,
                             bool detached) const {
    Json config = {{"Image", image}};
    Json host = Json::object();
    add_process(config, detached);
    set_list(config, "Cmd", command);
    add_ports(config, host);
    add_volumes(config, host);
    add_resources(host);
    add_namespaces(host);
    add_network(config, host);
    add_health(config);
    config["HostConfig"] = std::move(host);
    return config;
}

void ContainerFlags::add_process(Json& config, bool detached) const {
    const auto attached = [&](const char* stream) {
        return std::ranges::find(attach, stream) != attach.end();
    };
    config["AttachStdin"] = attach.empty() ? !detached && interactive : attached("stdin");
    config["AttachStdout"] = attach.empty() ? !detached : attached("stdout");
    config["AttachStderr"] = attach.empty() ? !detached : attached("stderr");
    set_flag(config, "Tty", tty);
    set_flag(config, "OpenStdin", interactive);
    set_flag(config, "StdinOnce", interactive && config["AttachStdin"] == true);
    std::vector<std::string> env;
    for (const auto& path : env_files_) {
        for (auto& line : read_env_file(path)) env.push_back(std::move(line));
    }
    env.insert(env.end(), env_.begin(), env_.end());
    set_list(config, "Env", env);
    std::vector<std::string> labels;
    for (const auto& path : label_files_) {
        for (auto& line : read_label_file(path)) labels.push_back(std::move(line));
    }
    labels.insert(labels.end(), labels_.begin(), labels_.end());
    for (const auto& label : labels) {
        const auto [key, value] = split_once(label, '=');
        config["Labels"][key] = value.value_or("");
    }
    if (entrypoint_) config["Entrypoint"] = Json::array({*entrypoint_});
    set_text(config, "WorkingDir", workdir_);
    set_text(config, "User", user_);
    set_text(config, "Hostname", hostname_);
    set_text(config, "Domainname", domainname_);
    set_text(config, "StopSignal", stop_signal_);
    set_number(config, "StopTimeout", stop_timeout_);
}

void ContainerFlags::add_ports(Json& config, Json& host) const {
    for (const auto& spec : publish_) {
        for (const auto& binding : parse_publish(spec)) {
            config["ExposedPorts"][binding.container] = Json::object();
            host["PortBindings"][binding.container].push_back(
                {{"HostIp", binding.host_ip}, {"HostPort", binding.host_port}});
        }
    }
    for (const auto& spec : expose_) {
        for (const auto& port : parse_expose(spec)) config["ExposedPorts"][port] = Json::object();
    }
    set_flag(host, "PublishAllPorts", publish_all_);
}

void ContainerFlags::add_volumes(Json& config, Json& host) const {
    for (const auto& text : volumes_) {
        const VolumeFlag volume = parse_volume_flag(text);
        if (volume.binds)
            host["Binds"].push_back(volume.text);
        else
            config["Volumes"][volume.text] = Json::object();
    }
    if (!mounts_.empty()) host["Mounts"] = mounts_;
    for (const auto& text : tmpfs_) {
        const auto [target, options] = split_once(text, ':');
        host["Tmpfs"][target] = options.value_or("");
    }
    set_list(host, "VolumesFrom", volumes_from_);
    set_text(host, "VolumeDriver", volume_driver_);
    for (const auto& text : devices_) host["Devices"].push_back(parse_device(text));
    set_list(host, "DeviceCgroupRules", device_rules_);
    set_flag(host, "ReadonlyRootfs", read_only_);
}

void ContainerFlags::add_resources(Json& host) const {
    set_number(host, "Memory", memory_);
    set_number(host, "MemorySwap", memory_swap_);
    set_number(host, "MemoryReservation", memory_reservation_);
    set_number(host, "NanoCpus", nano_cpus_);
    set_number(host, "CpuShares", cpu_shares_);
    set_number(host, "CpuPeriod", cpu_period_);
    set_number(host, "CpuQuota", cpu_quota_);
    set_number(host, "PidsLimit", pids_limit_);
    set_number(host, "ShmSize", shm_size_);
    set_number(host, "OomScoreAdj", oom_score_adj_);
    set_flag(host, "OomKillDisable", oom_kill_disable_);
    set_text(host, "CpusetCpus", cpuset_cpus_);
    set_text(host, "CpusetMems", cpuset_mems_);
    set_text(host, "CgroupParent", cgroup_parent_);
    if (!ulimits_.empty()) host["Ulimits"] = ulimits_;
}

void ContainerFlags::add_namespaces(Json& host) const {
    check_namespace("pid", "PID", pid_);
    check_namespace("uts", "UTS", uts_);
    check_namespace("userns", "USER", userns_);
    set_text(host, "PidMode", pid_);
    set_text(host, "IpcMode", ipc_);
    set_text(host, "UTSMode", uts_);
    set_text(host, "UsernsMode", userns_);
    set_text(host, "CgroupnsMode", cgroupns_);
    set_list(host, "CapAdd", capabilities(cap_add_));
    set_list(host, "CapDrop", capabilities(cap_drop_));
    set_list(host, "GroupAdd", group_add_);
    set_flag(host, "Privileged", privileged_);
    for (const auto& option : security_) host["SecurityOpt"].push_back(security_option(option));
    if (!sysctls_.empty()) host["Sysctls"] = sysctls_;
    if (!storage_opt_.empty()) host["StorageOpt"] = storage_opt_;
    if (!annotations_.empty()) host["Annotations"] = annotations_;
    set_flag(host, "Init", init_);
    set_text(host, "Runtime", runtime_);
    set_flag(host, "AutoRemove", auto_remove);
    if (!restart_.empty()) {
        if (auto_remove && restart_ != "no") {
            throw Error(ErrorKind::invalid_argument,
                        "conflicting options: cannot specify both --restart and --rm");
        }
        host["RestartPolicy"] = parse_restart_policy(restart_);
    }
    set_text(host["LogConfig"], "Type", log_driver_);
    for (const auto& option : log_opts_) {
        const auto [key, value] = split_once(option, '=');
        if (!value) throw Error(ErrorKind::invalid_argument, "invalid logging opt: {}", option);
        host["LogConfig"]["Config"][key] = *value;
    }
    if (host["LogConfig"].is_null()) host.erase("LogConfig");
}

void ContainerFlags::add_network(Json& config, Json& host) const {
    const std::string network = networks_.empty() ? "default" : networks_.front();
    host["NetworkMode"] = network;
    set_list(host, "ExtraHosts", add_hosts_);
    set_list(host, "Dns", dns_);
    set_list(host, "DnsOptions", dns_options_);
    set_list(host, "DnsSearch", dns_search_);
    Json endpoints = Json::object();
    for (const auto& other : networks_) endpoints[other] = Json::object();
    Json& first = endpoints[network];
    if (!aliases_.empty()) first["Aliases"] = aliases_;
    set_text(first["IPAMConfig"], "IPv4Address", ip_);
    set_text(first["IPAMConfig"], "IPv6Address", ip6_);
    set_text(first, "MacAddress", mac_);
    if (first["IPAMConfig"].is_null()) first.erase("IPAMConfig");
    if (networks_.size() > 1 || !first.empty())
        config["NetworkingConfig"]["EndpointsConfig"] = std::move(endpoints);
}

void ContainerFlags::add_health(Json& config) const {
    Json health;
    if (no_healthcheck_)
        health["Test"] = Json::array({"NONE"});
    else if (!health_cmd_.empty())
        health["Test"] = Json::array({"CMD-SHELL", health_cmd_});
    set_number(health, "Interval", health_interval_);
    set_number(health, "Timeout", health_timeout_);
    set_number(health, "StartPeriod", health_start_period_);
    set_number(health, "StartInterval", health_start_interval_);
    set_number(health, "Retries", health_retries_);
    if (!health.is_null()) config["Healthcheck"] = std::move(health);
}

}  // namespace brig::cli
