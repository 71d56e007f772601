// See image_config.h.
#include "oci/image_config.h"

#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::oci {
namespace {

using nlohmann::json;

std::optional<Instant> read_time(const json& object, const char* field) {
    const std::string text = fields::string(object, field);
    if (text.empty()) return std::nullopt;
    return parse_rfc3339(text);
}

std::chrono::nanoseconds read_duration(const json& object, const char* field) {
    return std::chrono::nanoseconds(fields::integer(object, field));
}

std::vector<Digest> read_diff_ids(const json& object) {
    std::vector<Digest> out;
    const auto* rootfs = fields::find_object(object, "rootfs");
    if (rootfs == nullptr) return out;
    const std::string type = fields::string(*rootfs, "type");
    if (!type.empty() && type != "layers") {
        throw Error(ErrorKind::invalid_argument, "rootfs of type {:?}, want \"layers\"", type);
    }
    for (const auto& id : fields::strings(*rootfs, "diff_ids")) out.push_back(Digest::parse(id));
    return out;
}

std::vector<HistoryEntry> read_history(const json& object) {
    std::vector<HistoryEntry> out;
    const auto* history = fields::find_array(object, "history");
    if (history == nullptr) return out;
    for (const auto& item : *history) {
        if (!item.is_object()) fields::wrong_type("history", "an array of objects");
        out.push_back({.created = read_time(item, "created"),
                       .created_by = fields::string(item, "created_by"),
                       .author = fields::string(item, "author"),
                       .comment = fields::string(item, "comment"),
                       .empty_layer = fields::boolean(item, "empty_layer")});
    }
    return out;
}

json history_to_json(const std::vector<HistoryEntry>& history) {
    json out = json::array();
    for (const auto& entry : history) {
        json item = json::object();
        if (entry.created) item["created"] = format_rfc3339(*entry.created);
        if (!entry.created_by.empty()) item["created_by"] = entry.created_by;
        if (!entry.author.empty()) item["author"] = entry.author;
        if (!entry.comment.empty()) item["comment"] = entry.comment;
        if (entry.empty_layer) item["empty_layer"] = true;
        out.push_back(std::move(item));
    }
    return out;
}

ImageConfig read_config(const json& object) {
    ImageConfig out;
    out.platform = {.os = fields::string(object, "os"),
                    .architecture = fields::string(object, "architecture"),
                    .variant = fields::string(object, "variant"),
                    .os_version = fields::string(object, "os.version")};
    out.created = read_time(object, "created");
    out.author = fields::string(object, "author");
    if (const auto* config = fields::find_object(object, "config")) {
        out.config = execution_config_from_json(*config);
    }
    out.diff_ids = read_diff_ids(object);
    out.history = read_history(object);
    return out;
}

}  // namespace

HealthCheck health_check_from_json(const json& object) {
    return {.test = fields::strings(object, "Test"),
            .interval = read_duration(object, "Interval"),
            .timeout = read_duration(object, "Timeout"),
            .start_period = read_duration(object, "StartPeriod"),
            .start_interval = read_duration(object, "StartInterval"),
            .retries = static_cast<int>(fields::integer(object, "Retries"))};
}

json to_json(const HealthCheck& check) {
    json out = json::object();
    if (!check.test.empty()) out["Test"] = check.test;
    if (check.interval.count() != 0) out["Interval"] = check.interval.count();
    if (check.timeout.count() != 0) out["Timeout"] = check.timeout.count();
    if (check.start_period.count() != 0) out["StartPeriod"] = check.start_period.count();
    if (check.start_interval.count() != 0) out["StartInterval"] = check.start_interval.count();
    if (check.retries != 0) out["Retries"] = check.retries;
    return out;
}

ExecutionConfig execution_config_from_json(const json& object) {
    ExecutionConfig out{.user = fields::string(object, "User"),
                        .env = fields::strings(object, "Env"),
                        .entrypoint = fields::strings(object, "Entrypoint"),
                        .cmd = fields::strings(object, "Cmd"),
                        .working_dir = fields::string(object, "WorkingDir"),
                        .labels = fields::string_map(object, "Labels"),
                        .exposed_ports = fields::key_set(object, "ExposedPorts"),
                        .volumes = fields::key_set(object, "Volumes"),
                        .stop_signal = fields::string(object, "StopSignal"),
                        .shell = fields::strings(object, "Shell"),
                        .on_build = fields::strings(object, "OnBuild")};
    if (fields::find(object, "StopTimeout") != nullptr) {
        out.stop_timeout = static_cast<int>(fields::integer(object, "StopTimeout"));
    }
    if (const auto* check = fields::find_object(object, "Healthcheck")) {
        out.health_check = health_check_from_json(*check);
    }
    return out;
}

json to_json(const ExecutionConfig& config) {
    json out = json::object();
    if (!config.user.empty()) out["User"] = config.user;
    if (!config.env.empty()) out["Env"] = config.env;
    if (!config.entrypoint.empty()) out["Entrypoint"] = config.entrypoint;
    if (!config.cmd.empty()) out["Cmd"] = config.cmd;
    if (!config.working_dir.empty()) out["WorkingDir"] = config.working_dir;
    if (!config.labels.empty()) out["Labels"] = config.labels;
    if (!config.exposed_ports.empty())
        out["ExposedPorts"] = fields::from_key_set(config.exposed_ports);
    if (!config.volumes.empty()) out["Volumes"] = fields::from_key_set(config.volumes);
    if (!config.stop_signal.empty()) out["StopSignal"] = config.stop_signal;
    if (config.stop_timeout) out["StopTimeout"] = *config.stop_timeout;
    if (!config.shell.empty()) out["Shell"] = config.shell;
    if (!config.on_build.empty()) out["OnBuild"] = config.on_build;
    if (config.health_check) out["Healthcheck"] = to_json(*config.health_check);
    return out;
}

ImageConfig ImageConfig::parse(std::string_view text) {
    try {
        return read_config(fields::parse_object(text, "image configuration", max_document_bytes));
    } catch (const Error& e) {
        throw e.within("invalid image configuration");
    }
}

std::string ImageConfig::to_json() const {
    json ids = json::array();
    for (const auto& id : diff_ids) ids.push_back(id.str());
    json out{{"architecture", platform.architecture},
             {"os", platform.os},
             {"config", oci::to_json(config)},
             {"rootfs", {{"type", "layers"}, {"diff_ids", std::move(ids)}}},
             {"history", history_to_json(history)}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
    if (!author.empty()) out["author"] = author;
    if (created) out["created"] = format_rfc3339(*created);
    return fields::dump(out);
}

Digest chain_id(const std::optional<Digest>& parent_chain, const Digest& diff_id) {
    if (!parent_chain) return diff_id;
    return Digest::of(parent_chain->str() + " " + diff_id.str());
}

std::vector<Digest> chain_ids(const std::vector<Digest>& diff_ids) {
    std::vector<Digest> out;
    for (const auto& id : diff_ids) {
        out.push_back(chain_id(out.empty() ? std::nullopt : std::optional(out.back()), id));
    }
    return out;
}

}  // namespace brig::oci
