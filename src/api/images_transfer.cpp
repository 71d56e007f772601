// Images in and out: load, import, bootstrap, save.
#include <memory>
#include <nlohmann/json.hpp>

#include "api/body_source.h"
#include "api/context.h"
#include "api/images_registry.h"
#include "api/reply.h"
#include "base/strings.h"
#include "image/bootstrap.h"
#include "image/image_platform.h"
#include "image/import.h"
#include "image/load.h"
#include "image/save.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::api {
namespace {

constexpr std::string_view bootstrap_scheme = "bootstrap:";

/// A producer of progress messages that reads the request's body.
Reply from_body(Context& context, Request& request,
                const std::function<void(http::BodyStream body, JsonLines& lines)>& work) {
    auto body = std::make_shared<http::BodyStream>(std::move(request.body_stream));
    return context.streams.reply("application/json", json_lines([body, work](JsonLines& lines) {
                                     work(std::move(*body), lines);
                                 }));
}

void publish(Context& context, std::string_view action, const image::Image& image,
             const std::string& name) {
    context.engine.events().publish(
        {"image", std::string(action), image.id.str(), {{"name", name}}, now()});
}

/// What an archive is to hold, in words or (since API 1.48) as an OCI platform in JSON.
std::optional<oci::Platform> archive_platform(const Request& request) {
    const auto given = params(request, "platform");
    if (given.empty() || given.front().empty()) return std::nullopt;
    if (given.size() > 1)
        throw Error(ErrorKind::invalid_argument, "want one platform, not {}", given.size());
    if (!given.front().starts_with('{')) return oci::Platform::parse(given.front());
    namespace fields = oci::fields;
    const auto json = fields::parse_object(given.front(), "platform", oci::max_document_bytes);
    const auto variant = fields::string(json, "variant");
    return oci::Platform::parse(fields::string(json, "os") + "/" +
                                fields::string(json, "architecture") +
                                (variant.empty() ? "" : "/" + variant));
}

Reply load(Context& context, Request& request) {
    const auto only = archive_platform(request);
    return from_body(context, request, [&context, only](http::BodyStream body, JsonLines& lines) {
        const auto report = [&](const std::string& line) { lines.stream(line + "\n"); };
        for (const auto& loaded :
             image::load(context.engine.images(), body_source(std::move(body)), report, only)) {
            publish(context, "load", loaded, loaded.id.str());
        }
    });
}

std::optional<oci::Reference> name_param(const Request& request) {
    auto name = request.param("repo");
    if (name.empty()) return std::nullopt;
    if (const auto tag = request.param("tag"); !tag.empty()) name += ":" + tag;
    return oci::Reference::parse(name).with_default_tag();
}

Reply import(Context& context, Request& request) {
    image::ImportRequest wanted;
    wanted.name = name_param(request);
    wanted.message = request.param("message");
    wanted.changes = params(request, "changes");
    if (const auto platform = request.param("platform"); !platform.empty()) {
        wanted.platform = oci::Platform::parse(platform);
    }
    oci::ExecutionConfig trial;
    image::apply_changes(trial, wanted.changes);  // a mistake is reported before the stream begins
    return from_body(context, request, [&context, wanted](http::BodyStream body, JsonLines& lines) {
        const auto image =
            image::import_tar(context.engine.images(), *body_source(std::move(body)), wanted);
        publish(context, "import", image, wanted.name ? wanted.name->familiar() : image.id.str());
        lines.status(image.id.str());
    });
}

/// Brig's own: fromSrc=bootstrap:debian:bookworm, with `base` for where to take it from.
Reply bootstrap(Context& context, Request& request, const std::string& what) {
    image::BootstrapRequest wanted;
    wanted.what = what;
    wanted.name = name_param(request);
    wanted.source = request.param("base");
    if (const auto platform = request.param("platform"); !platform.empty()) {
        wanted.architecture = oci::Platform::parse(platform).architecture;
    }
    return from_body(
        context, request, [&context, wanted](const http::BodyStream&, JsonLines& lines) {
            const auto report = [&](const std::string& line) { lines.status(line); };
            const auto image = image::bootstrap(context.engine.images(), wanted, report);
            publish(context, "import", image,
                    image.tags.empty() ? image.id.str() : image.tags.front());
            lines.status(image.id.str());
        });
}

Reply create(Context& context, Request& request) {
    if (request.has_param("fromImage")) return pull_image(context, request);
    const auto source = request.param("fromSrc");
    if (source.starts_with(bootstrap_scheme)) {
        return bootstrap(context, request, source.substr(bootstrap_scheme.size()));
    }
    if (source == "-") return import(context, request);
    if (source.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "one of the parameters fromImage and fromSrc is needed");
    }
    not_implemented("importing from a URL (download it and import the file)");
}

Reply send_archive(Context& context, const Request& request,
                   const std::vector<std::string>& names) {
    if (names.empty()) throw Error(ErrorKind::invalid_argument, "no image names given to save");
    // A wrong name is an error of the request, not of a stream that has begun.
    const auto only = archive_platform(request);
    for (const auto& name : names) {
        const auto image = context.engine.images().resolve(name);
        if (only) image::check_platform(image, name, *only);
    }
    return context.streams.reply("application/x-tar", [&context, names, only](int sink) {
        image::save(context.engine.images(), names, sink, only);
    });
}

Reply save_one(Context& context, Request& request) {
    return send_archive(context, request, {request.parameter("name")});
}

Reply save_many(Context& context, Request& request) {
    std::vector<std::string> names;
    for (const auto& value : params(request, "names")) {
        for (auto& name : split(value, ',')) {
            if (!name.empty()) names.push_back(std::move(name));
        }
    }
    return send_archive(context, request, names);
}

}  // namespace

void add_image_transfer_routes(Routes& routes) {
    routes.add("POST", "/images/load", load, BodyMode::streamed);
    routes.add("POST", "/images/create", create, BodyMode::streamed);
    routes.add("POST", "/images/{name*}/convert", convert_image);
    routes.add("GET", "/images/get", save_many);
    routes.add("GET", "/images/{name*}/get", save_one);
}

}  // namespace brig::api
