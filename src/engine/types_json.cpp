// Docker's field names for the container vocabulary, and the check of what a client may ask for.
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "engine/json_fields.h"
#include "engine/types.h"

namespace brig::engine {

using nlohmann::json;

json parse_object(std::string_view body) {
    json value = json::parse(body, nullptr, false);
    if (value.is_discarded())
        throw Error(ErrorKind::invalid_argument, "invalid JSON in the request's body");
    if (!value.is_object()) {
        throw Error(ErrorKind::invalid_argument, "the request's body is not a JSON object");
    }
    return value;
}

namespace {

/// {"80/tcp": {}} → {"80/tcp"}
void field_set(const json& in, const char* key, StringSet& out) {
    const auto found = in.find(key);
    if (found == in.end() || found->is_null()) return;
    if (!found->is_object()) {
        throw Error(ErrorKind::invalid_argument, "field {} has the wrong type ({})", key,
                    found->type_name());
    }
    for (const auto& [name, ignored] : found->items()) out.insert(name);
}

json set_to_json(const StringSet& set) {
    if (set.empty()) return nullptr;
    json out = json::object();
    for (const auto& name : set) out[name] = json::object();
    return out;
}

/// Docker takes "cmd" and ["cmd"] for the same.
void field_command(const json& in, const char* key, std::optional<Strings>& out) {
    const auto found = in.find(key);
    if (found != in.end() && found->is_string()) {
        out = Strings{found->get<std::string>()};
        return;
    }
    field(in, key, out);
}

json list_or_null(const Strings& list) { return list.empty() ? json(nullptr) : json(list); }

}  // namespace

void to_json(json& out, const Config& value) {
    out = json{{"Hostname", value.hostname},
               {"Domainname", value.domainname},
               {"User", value.user},
               {"AttachStdin", value.attach_stdin},
               {"AttachStdout", value.attach_stdout},
               {"AttachStderr", value.attach_stderr},
               {"Tty", value.tty},
               {"OpenStdin", value.open_stdin},
               {"StdinOnce", value.stdin_once},
               {"Env", value.env},
               {"Cmd", or_null(value.cmd)},
               {"Image", value.image},
               {"Volumes", set_to_json(value.volumes)},
               {"WorkingDir", value.working_dir},
               {"Entrypoint", or_null(value.entrypoint)},
               {"OnBuild", list_or_null(value.on_build)},
               {"Labels", value.labels}};
    if (!value.exposed_ports.empty()) out["ExposedPorts"] = set_to_json(value.exposed_ports);
    if (value.network_disabled) out["NetworkDisabled"] = true;
    if (!value.stop_signal.empty()) out["StopSignal"] = value.stop_signal;
    if (value.stop_timeout) out["StopTimeout"] = *value.stop_timeout;
    if (!value.shell.empty()) out["Shell"] = value.shell;
    if (value.health_check) out["Healthcheck"] = oci::to_json(*value.health_check);
}

void from_json(const json& in, Config& value) {
    field(in, "Hostname", value.hostname);
    field(in, "Domainname", value.domainname);
    field(in, "User", value.user);
    field(in, "AttachStdin", value.attach_stdin);
    field(in, "AttachStdout", value.attach_stdout);
    field(in, "AttachStderr", value.attach_stderr);
    field_set(in, "ExposedPorts", value.exposed_ports);
    field(in, "Tty", value.tty);
    field(in, "OpenStdin", value.open_stdin);
    field(in, "StdinOnce", value.stdin_once);
    field(in, "Env", value.env);
    field_command(in, "Cmd", value.cmd);
    field(in, "Image", value.image);
    field_set(in, "Volumes", value.volumes);
    field(in, "WorkingDir", value.working_dir);
    field_command(in, "Entrypoint", value.entrypoint);
    field(in, "NetworkDisabled", value.network_disabled);
    field(in, "OnBuild", value.on_build);
    field(in, "Labels", value.labels);
    field(in, "StopSignal", value.stop_signal);
    field(in, "StopTimeout", value.stop_timeout);
    field(in, "Shell", value.shell);
    if (const auto check = in.find("Healthcheck"); check != in.end() && check->is_object())
        value.health_check = oci::health_check_from_json(*check);
}

void to_json(json& out, const MountPoint& value) {
    out = json{{"Type", value.type}, {"Source", value.source}, {"Destination", value.destination},
               {"Mode", value.mode}, {"RW", value.rw},         {"Propagation", value.propagation}};
    if (value.type == "volume") {
        out["Name"] = value.name;
        out["Driver"] = value.driver;
    }
}

void from_json(const json& in, MountPoint& value) {
    field(in, "Type", value.type);
    field(in, "Name", value.name);
    field(in, "Source", value.source);
    field(in, "Destination", value.destination);
    field(in, "Driver", value.driver);
    field(in, "Mode", value.mode);
    field(in, "RW", value.rw);
    field(in, "Propagation", value.propagation);
}

std::string_view to_string(Status status) {
    switch (status) {
        case Status::created: return "created";
        case Status::running: return "running";
        case Status::paused: return "paused";
        case Status::restarting: return "restarting";
        case Status::removing: return "removing";
        case Status::exited: return "exited";
        case Status::dead: return "dead";
    }
    return "dead";
}

namespace {

json health_json(const Health& health) {
    json log = json::array();
    for (const auto& probe : health.log) {
        log.push_back({{"Start", format_rfc3339(probe.start)},
                       {"End", format_rfc3339(probe.end)},
                       {"ExitCode", probe.exit_code},
                       {"Output", probe.output}});
    }
    return {{"Status", health.status},
            {"FailingStreak", health.failing_streak},
            {"Log", std::move(log)}};
}

Health health_from_json(const json& in) {
    Health health;
    field(in, "Status", health.status);
    field(in, "FailingStreak", health.failing_streak);
    json log = json::array();
    field(in, "Log", log);
    for (const auto& entry : log) {
        Probe probe;
        std::string start, end;
        field(entry, "Start", start);
        field(entry, "End", end);
        probe.start = parse_rfc3339(start).value_or(Instant{});
        probe.end = parse_rfc3339(end).value_or(Instant{});
        field(entry, "ExitCode", probe.exit_code);
        field(entry, "Output", probe.output);
        health.log.push_back(std::move(probe));
    }
    return health;
}

}  // namespace

void to_json(json& out, const State& value) {
    out = json{{"Status", to_string(value.status)},
               {"Running", value.running() || value.status == Status::restarting},
               {"Paused", value.status == Status::paused},
               {"Restarting", value.status == Status::restarting},
               {"OOMKilled", value.oom_killed},
               {"Dead", value.status == Status::dead},
               {"Pid", value.pid},
               {"ExitCode", value.exit_code},
               {"Error", value.error},
               {"StartedAt", format_rfc3339(value.started_at)},
               {"FinishedAt", format_rfc3339(value.finished_at)}};
    if (value.health) out["Health"] = health_json(*value.health);
}

void from_json(const json& in, State& value) {
    std::string text;
    field(in, "Status", text);
    for (const Status status :
         {Status::created, Status::running, Status::paused, Status::restarting, Status::removing,
          Status::exited, Status::dead}) {
        if (text == to_string(status)) value.status = status;
    }
    field(in, "OOMKilled", value.oom_killed);
    field(in, "Pid", value.pid);
    field(in, "ExitCode", value.exit_code);
    field(in, "Error", value.error);
    const auto instant = [&](const char* key, std::optional<Instant>& out) {
        std::string written;
        field(in, key, written);
        out = parse_rfc3339(written);
    };
    instant("StartedAt", value.started_at);
    instant("FinishedAt", value.finished_at);
    if (const auto health = in.find("Health"); health != in.end() && health->is_object())
        value.health = health_from_json(*health);
}

void to_json(json& out, const NetworkingConfig& value) {
    out = json{{"EndpointsConfig", json::object()}};
    for (const auto& [name, endpoint] : value.endpoints) {
        out["EndpointsConfig"][name] = json{
            {"Aliases", list_or_null(endpoint.aliases)},
            {"MacAddress", endpoint.mac_address},
            {"IPAMConfig",
             {{"IPv4Address", endpoint.ipv4_address}, {"IPv6Address", endpoint.ipv6_address}}}};
    }
}

void from_json(const json& in, NetworkingConfig& value) {
    json endpoints = json::object();
    field(in, "EndpointsConfig", endpoints);
    for (const auto& [name, endpoint] : endpoints.items()) {
        EndpointConfig parsed;
        if (endpoint.is_object()) {
            field(endpoint, "Aliases", parsed.aliases);
            field(endpoint, "MacAddress", parsed.mac_address);
            json ipam = json::object();
            field(endpoint, "IPAMConfig", ipam);
            field(ipam, "IPv4Address", parsed.ipv4_address);
            field(ipam, "IPv6Address", parsed.ipv6_address);
        }
        value.endpoints.emplace(name, std::move(parsed));
    }
}

}  // namespace brig::engine
