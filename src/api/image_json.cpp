// Fields come and go with API versions; each difference names the version it came with.
#include "api/image_json.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace brig::api {
namespace {

using nlohmann::json;

std::int64_t unix_seconds(const std::optional<Instant>& instant) {
    if (!instant) return 0;
    return std::chrono::duration_cast<std::chrono::seconds>(instant->time_since_epoch()).count();
}

/// Clients up to 1.42 expect a placeholder where an image has no name.
std::vector<std::string> names(const std::vector<std::string>& given, std::string_view placeholder,
                               const Request& request) {
    if (!given.empty() || request.at_least("1.43")) return given;
    return {std::string(placeholder)};
}

/// Fields that templates and clients read are always there, as null where the image says nothing.
json config_json(const oci::ExecutionConfig& config, const Request& request) {
    json out{{"User", ""},         {"Env", nullptr},    {"Cmd", nullptr},
             {"Volumes", nullptr}, {"WorkingDir", ""},  {"Entrypoint", nullptr},
             {"OnBuild", nullptr}, {"Labels", nullptr}, {"ExposedPorts", nullptr}};
    if (!request.at_least("1.50")) {
        out.update({{"Hostname", ""},
                    {"Domainname", ""},
                    {"AttachStdin", false},
                    {"AttachStdout", false},
                    {"AttachStderr", false},
                    {"Tty", false},
                    {"OpenStdin", false},
                    {"StdinOnce", false},
                    {"Image", ""}});
    }
    out.update(oci::to_json(config));
    return out;
}

json layer_digests(const image::Image& image) {
    json out = json::array();
    for (const auto& digest : image.config.diff_ids) out.push_back(digest.str());
    return out;
}

}  // namespace

json image_summary(const image::Image& image, const Request& request) {
    json out{{"Id", image.id.str()},
             {"ParentId", image.parent ? image.parent->str() : ""},
             {"RepoTags", names(image.tags, "<none>:<none>", request)},
             {"RepoDigests", names(image.digests, "<none>@<none>", request)},
             {"Created", unix_seconds(image.config.created)},
             {"Size", image.size},
             {"SharedSize", -1},
             {"Containers", -1},
             {"Labels", image.config.config.labels}};
    if (!request.at_least("1.44")) out["VirtualSize"] = image.size;
    return out;
}

json image_details(const image::Image& image, const std::string& driver, const Request& request) {
    const auto& config = image.config;
    json out{{"Id", image.id.str()},
             {"RepoTags", image.tags},
             {"RepoDigests", image.digests},
             {"Parent", image.parent ? image.parent->str() : ""},
             {"Comment", config.history.empty() ? "" : config.history.back().comment},
             {"Created", format_rfc3339(config.created)},
             {"DockerVersion", ""},
             {"Author", config.author},
             {"Config", config_json(config.config, request)},
             {"Architecture", config.platform.architecture},
             {"Os", config.platform.os},
             {"Size", image.size},
             {"GraphDriver", {{"Name", driver}, {"Data", nullptr}}},
             {"RootFS", {{"Type", "layers"}, {"Layers", layer_digests(image)}}},
             {"Metadata", {{"LastTagTime", format_rfc3339(image.last_tagged)}}}};
    if (!config.platform.variant.empty()) out["Variant"] = config.platform.variant;
    if (!config.platform.os_version.empty()) out["OsVersion"] = config.platform.os_version;
    if (!request.at_least("1.44")) out["VirtualSize"] = image.size;
    if (!request.at_least("1.45")) out.update({{"Container", ""}, {"ContainerConfig", nullptr}});
    return out;
}

json history_item(const image::HistoryItem& item) {
    return {{"Id", item.id},
            {"Created", unix_seconds(item.entry.created)},
            {"CreatedBy", item.entry.created_by},
            {"Tags", item.tags.empty() ? json(nullptr) : json(item.tags)},
            {"Size", item.size},
            {"Comment", item.entry.comment}};
}

}  // namespace brig::api
