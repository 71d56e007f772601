// POST /build: a context as a tar stream in, progress messages out.
#include <memory>
#include <nlohmann/json.hpp>

#include "api/body_source.h"
#include "api/context.h"
#include "api/registry_params.h"
#include "api/reply.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::api {
namespace {

using nlohmann::json;

/// What a build reports, as the classic builder's messages.
class BuildLines : public build::Progress {
public:
    explicit BuildLines(JsonLines& lines) : lines_(lines) {}
    void text(std::string_view text) override { lines_.stream(text); }
    void built(std::string_view image_id) override { lines_.write({{"aux", {{"ID", image_id}}}}); }
    bool cancelled() override { return lines_.gone(); }

private:
    JsonLines& lines_;
};

/// A parameter that holds a JSON object of strings; null stands for an absent value.
std::map<std::string, std::optional<std::string>> map_param(const Request& request,
                                                            std::string_view name) {
    std::map<std::string, std::optional<std::string>> out;
    const auto text = request.param(name);
    if (text.empty()) return out;
    const auto object = json::parse(text, nullptr, false);
    const auto bad =
        Error(ErrorKind::invalid_argument, "parameter {} is not a JSON object of strings", name);
    if (object.is_null()) return out;
    if (!object.is_object()) throw bad;
    for (const auto& [key, value] : object.items()) {
        if (!value.is_string() && !value.is_null()) throw bad;
        out[key] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
    }
    return out;
}

void refuse_unsupported(const Request& request) {
    if (request.param("version") == "2") {
        throw Error(ErrorKind::invalid_argument,
                    "building with BuildKit is not implemented: set DOCKER_BUILDKIT=0");
    }
    if (!request.param("remote").empty()) not_implemented("building from a remote context");
    if (request.flag("squash")) not_implemented("building with --squash");
    if (!request.param("outputs").empty()) not_implemented("building with --output");
}

/// Docker's client sends one parameter per host, older ones a list with commas.
std::vector<std::string> hosts_param(const Request& request) {
    std::vector<std::string> out;
    for (const auto& value : params(request, "extrahosts")) {
        for (auto& host : split(value, ',')) {
            if (!host.empty()) out.push_back(std::move(host));
        }
    }
    return out;
}

std::int64_t bytes_param(const Request& request, std::string_view name) {
    const auto text = request.param(name);
    if (text.empty()) return 0;
    if (const auto value = parse_int<std::int64_t>(text)) return *value;
    throw Error(ErrorKind::invalid_argument, "parameter {}: \"{}\" is not a number", name, text);
}

build::BuildRequest to_build(const Request& request) {
    build::BuildRequest wanted;
    if (const auto file = request.param("dockerfile"); !file.empty()) wanted.dockerfile = file;
    for (auto& name : params(request, "t")) {
        if (!name.empty()) wanted.tags.push_back(name);
    }
    wanted.build_args = map_param(request, "buildargs");
    for (auto& [key, value] : map_param(request, "labels")) wanted.labels[key] = value.value_or("");
    wanted.target = request.param("target");
    wanted.platform = request.param("platform");
    wanted.network = request.param("networkmode");
    wanted.extra_hosts = hosts_param(request);
    wanted.shm_size = bytes_param(request, "shmsize");
    wanted.memory = bytes_param(request, "memory");
    wanted.no_cache = request.flag("nocache");
    wanted.quiet = request.flag("q");
    wanted.credentials = all_credentials(request);
    return wanted;
}

void run(Context& context, http::BodyStream body, build::BuildRequest wanted, JsonLines& lines) {
    make_directories(context.temporary);
    const TempDir directory(context.temporary, "build");
    build::unpack_context(body_source(std::move(body)), directory.path());
    wanted.context = directory.path();
    BuildLines progress(lines);
    try {
        const auto result = context.builder.build(wanted, progress);
        if (wanted.quiet) lines.stream(result.image_id + "\n");
    } catch (const build::RunFailed& failure) {
        // The client exits with the command's status.
        lines.write({{"errorDetail", {{"code", failure.status()}, {"message", failure.message()}}},
                     {"error", failure.message()}});
    }
}

Reply build(Context& context, Request& request) {
    refuse_unsupported(request);
    auto wanted = to_build(request);
    auto body = std::make_shared<http::BodyStream>(std::move(request.body_stream));
    return context.streams.reply("application/json",
                                 json_lines([&context, body, wanted](JsonLines& lines) {
                                     run(context, std::move(*body), wanted, lines);
                                 }));
}

Reply prune(Context& context, Request&) {
    context.builder.prune();
    // What the cache held are untagged images now: removing those is what sets space free.
    return json_reply({{"CachesDeleted", nullptr}, {"SpaceReclaimed", 0}});
}

}  // namespace

void add_build_routes(Routes& routes) {
    routes.add("POST", "/build", build, BodyMode::streamed);
    routes.add("POST", "/build/prune", prune);
}

}  // namespace brig::api
