// Images from and to registries: pull, push, login, and what a registry knows of a name.
#include "api/images_registry.h"

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/registry_params.h"
#include "api/reply.h"
#include "base/strings.h"
#include "image/pull.h"
#include "image/push.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::api {
namespace {

using nlohmann::json;

void publish(Context& context, const char* action, const std::string& name) {
    context.engine.events().publish({"image", action, name, {{"name", name}}, now()});
}

/// Without its "@", which stands in the tag's place there too.
std::string tag_or_digest(const oci::Reference& name) {
    return name.digest ? name.digest->str() : name.tag;
}

/// With "library/", which names leave out elsewhere.
std::string shown_path(const oci::Reference& name) {
    return name.domain == "docker.io" ? name.path : name.name();
}

void run_pull(Context& context, image::Pull& pull, const image::PullRequest& wanted,
              JsonLines& lines) {
    const auto& name = wanted.name;
    write_event(lines, {tag_or_digest(name), "Pulling from " + shown_path(wanted.there())});
    pull.run([&](const image::TransferEvent& event) { write_event(lines, event); });
    lines.status("Digest: " + pull.digest().str());
    lines.status(
        fmt::format("Status: {} {}",
                    pull.was_there() ? "Image is up to date for" : "Downloaded newer image for",
                    name.familiar()));
    publish(context, "pull", name.familiar());
}

Reply pull_all_tags(Context& context, const image::PullRequest& wanted) {
    const auto tags = image::remote_tags(context.registries, wanted);
    return context.streams.reply(
        "application/json", json_lines([&context, wanted, tags](JsonLines& lines) {
            for (const auto& tag : tags) {
                auto one = wanted;
                one.name = reference_param(wanted.name.name(), tag);
                if (one.source) one.source->tag = one.name.tag;
                image::Pull pull(context.engine.images(), context.registries, one,
                                 [&lines] { return lines.gone(); });
                run_pull(context, pull, one, lines);
            }
        }));
}

Reply push(Context& context, Request& request) {
    auto wanted = image_name_param(request.parameter("name"), "");
    const auto credentials = registry_credentials(request);
    if (const auto tag = request.param("tag"); !tag.empty()) wanted = wanted.with_tag(tag);
    const auto& name = wanted.name;
    if (name.digest) throw Error(ErrorKind::invalid_argument, "cannot push a digest reference");
    const auto names = name.tag.empty() ? image::local_tags(context.engine.images(), name)
                                        : std::vector<oci::Reference>{name};
    return context.streams.reply(
        "application/json", json_lines([&context, names, wanted, credentials](JsonLines& lines) {
            lines.status(fmt::format("The push refers to repository [{}]", wanted.there().name()));
            for (const auto& one : names) {
                const auto pushed = image::push(
                    context.engine.images(), context.registries,
                    {one, credentials, wanted.with_tag(one.tag).remote},
                    [&](const image::TransferEvent& event) { write_event(lines, event); },
                    [&lines] { return lines.gone(); });
                lines.status(fmt::format("{}: digest: {} size: {}", one.tag, pushed.digest.str(),
                                         pushed.size));
                lines.write(
                    {{"progressDetail", json::object()},
                     {"aux",
                      {{"Tag", one.tag}, {"Digest", pushed.digest.str()}, {"Size", pushed.size}}}});
                publish(context, "push", one.familiar());
            }
        }));
}

Reply login(Context& context, Request& request) {
    const auto body = json_body(request);
    const auto server = registry_of(oci::fields::string(body, "serveraddress"));
    registry::Session session(context.registries, server, credentials_from_json(body));
    try {
        const auto token = session.login();
        return json_reply({{"Status", "Login Succeeded"}, {"IdentityToken", token}});
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::permission_denied) throw;
        return error_reply(401, fmt::format("login attempt to {} failed: {}", server, e.message()));
    }
}

json platforms_of(registry::Repository& repository, const registry::Document& document) {
    json out = json::array();
    const auto parsed =
        oci::parse_manifest_or_index(document.bytes, document.descriptor.media_type);
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
        for (const auto& manifest : index->manifests) {
            if (manifest.platform) out.push_back(oci::to_json(manifest).at("platform"));
        }
        return out;
    }
    const auto config = oci::ImageConfig::parse(
        repository.small_blob(std::get<oci::Manifest>(parsed).config, oci::max_document_bytes));
    auto described = document.descriptor;
    described.platform = config.platform;
    out.push_back(oci::to_json(described).at("platform"));
    return out;
}

Reply distribution(Context& context, Request& request) {
    const auto name = oci::Reference::parse(request.parameter("name")).with_default_tag();
    registry::Repository repository(context.registries, name, registry_credentials(request),
                                    registry::Access::pull);
    try {
        const auto document = repository.manifest(tag_or_digest(name));
        const auto& found = document.descriptor;
        return json_reply({{"Descriptor",
                            {{"mediaType", found.media_type},
                             {"digest", found.digest.str()},
                             {"size", found.size}}},
                           {"Platforms", platforms_of(repository, document)}});
    } catch (const registry::RegistryError& e) {
        if (e.kind() != ErrorKind::permission_denied) throw;
        return error_reply(401, e.message());
    }
}

}  // namespace

Reply pull_image(Context& context, const Request& request) {
    const auto [name, remote] = image_name_param(request.param("fromImage"), request.param("tag"));
    image::PullRequest wanted{
        .name = name, .credentials = registry_credentials(request), .source = remote};
    if (const auto platform = request.param("platform"); !platform.empty())
        wanted.platform = oci::Platform::parse(platform);
    if (name.tag.empty() && !name.digest) return pull_all_tags(context, wanted);
    // What is not there is an error of the request, not of a stream that has begun.
    auto lines_of_client = std::make_shared<std::atomic<JsonLines*>>(nullptr);
    auto pull = std::make_shared<image::Pull>(context.engine.images(), context.registries, wanted,
                                              [lines_of_client] {
                                                  const auto* lines = lines_of_client->load();
                                                  return lines != nullptr && lines->gone();
                                              });
    return context.streams.reply(
        "application/json", json_lines([&context, pull, lines_of_client, wanted](JsonLines& lines) {
            *lines_of_client = &lines;
            run_pull(context, *pull, wanted, lines);
        }));
}

void add_image_registry_routes(Routes& routes) {
    routes.add("POST", "/images/{name*}/push", push);
    routes.add("POST", "/auth", login);
    routes.add("GET", "/distribution/{name*}/json", distribution);
    add_registry_look_routes(routes);
}

}  // namespace brig::api
