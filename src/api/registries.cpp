// What registries hold: search (docker's), and Brig's own endpoints beneath /distribution/NAME:
// tags, referrers, manifests as they are, and removal.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/images_registry.h"
#include "api/registry_params.h"
#include "api/reply.h"
#include "base/strings.h"
#include "engine/filters.h"
#include "image/store.h"
#include "oci/manifest.h"
#include "oci/ssh_name.h"
#include "registry/copy.h"
#include "registry/management.h"
#include "registry/repository.h"

namespace brig::api {
namespace {

using nlohmann::json;

constexpr int default_results = 25;
constexpr int max_results = 100;

/// "HOST/TEXT", "ssh://HOST/PATH//TEXT", or TEXT for docker.io.
struct Search {
    std::string registry = "docker.io";
    std::string prefix = {};  ///< of the names that are found
    std::string text;
};

Search parse_search(const std::string& term) {
    if (oci::is_ssh_address(term)) {
        const auto end = term.find("//", term.find("//") + 2);
        if (end == std::string::npos) return {term, term + "//", ""};
        return {term.substr(0, end), term.substr(0, end + 2), term.substr(end + 2)};
    }
    const auto [host, rest] = split_once(term, '/');
    const bool is_host = host.find_first_of(".:") != std::string::npos || host == "localhost";
    if (!rest || !is_host || host == "docker.io") return {.text = term};
    return {host, host + "/", *rest};
}

/// What docker's filters let through.
struct Wanted {
    explicit Wanted(const engine::Filters& filters)
        : official(engine::truth_of(filters, "is-official")),
          automated(engine::truth_of(filters, "is-automated").value_or(false)) {
        engine::allow_only(filters, {"is-official", "is-automated", "stars"});
        const auto given = filters.find("stars");
        if (given == filters.end()) return;
        for (const auto& value : given->second) {
            const auto least = parse_int<std::int64_t>(value);
            if (!least)
                throw Error(ErrorKind::invalid_argument, "invalid filter 'stars={}'", value);
            stars = std::max(stars, *least);
        }
    }
    [[nodiscard]] bool has(const registry::Found& found) const {
        return !automated && found.official == official.value_or(found.official) &&
               found.stars >= stars;
    }

    std::optional<bool> official;
    bool automated;  ///< none is any more
    std::int64_t stars = 0;
};

Reply search(Context& context, Request& request) {
    const auto term = request.param("term");
    if (term.empty()) throw Error(ErrorKind::invalid_argument, "nothing to search for");
    const Wanted filter(engine::parse_filters(request.param("filters")));
    const auto wanted = parse_search(term);
    const int asked = int_param(request, "limit", default_results);
    // docker.io's own bound; a registry's names are all there is.
    const bool is_hub = wanted.registry == "docker.io";
    if (asked < 1 || (is_hub && asked > max_results))
        throw Error(ErrorKind::invalid_argument, "limit {} is outside the range of [1, {}]", asked,
                    max_results);
    registry::Session session(context.registries, wanted.registry, registry_credentials(request));
    json out = json::array();
    for (const auto& found :
         registry::search(session, wanted.text, static_cast<std::size_t>(asked))) {
        if (!filter.has(found)) continue;
        out.push_back({{"name", wanted.prefix + found.name},
                       {"description", found.description},
                       {"star_count", found.stars},
                       {"is_official", found.official},
                       {"is_automated", false}});
    }
    return json_reply(out);
}

std::string tag_or_digest(const oci::Reference& name) {
    return name.digest ? name.digest->str() : name.tag;
}

oci::Reference remote_name(const Request& request) {
    return image_name_param(request.parameter("name"), "").there();
}

registry::Repository open_repository(Context& context, const Request& request,
                                     const oci::Reference& name, registry::Access access) {
    return {context.registries, name, registry_credentials(request), access};
}

Reply tags(Context& context, Request& request) {
    const auto name = remote_name(request);
    auto repository = open_repository(context, request, name, registry::Access::pull);
    return json_reply({{"name", name.path}, {"tags", repository.tags()}});
}

Reply manifest(Context& context, Request& request) {
    const auto name = remote_name(request).with_default_tag();
    auto repository = open_repository(context, request, name, registry::Access::pull);
    auto document = repository.manifest(tag_or_digest(name));
    return {200,
            {{"Content-Type", document.descriptor.media_type},
             {"Docker-Content-Digest", document.descriptor.digest.str()}},
            std::move(document.bytes)};
}

Reply put_manifest(Context& context, Request& request) {
    const auto name = remote_name(request).with_default_tag();
    const auto parsed = oci::parse_manifest_or_index(request.body, request.header("content-type"));
    const auto type = std::visit([](const auto& document) { return document.media_type; }, parsed);
    auto repository = open_repository(context, request, name, registry::Access::push);
    repository.put_manifest(tag_or_digest(name), type, request.body);
    return json_reply({{"Digest", Digest::of(request.body).str()}}, 201);
}

/// What an index is to name in its own repository.
Reply copy(Context& context, Request& request) {
    const auto name = remote_name(request);
    const auto source = image_name_param(request.param("from"), "").there();
    if (!source.digest)
        throw Error(ErrorKind::invalid_argument, "{} is to be named by digest", source.str());
    auto from = open_repository(context, request, source, registry::Access::pull);
    auto to = open_repository(context, request, name, registry::Access::push);
    auto& content = context.engine.images().content();
    const content::Lease lease = content.lease();
    registry::copy_manifest(from, to, *source.digest, content);
    return no_content();
}

Reply remove(Context& context, Request& request) {
    const auto name = remote_name(request);
    if (name.tag.empty() && !name.digest) {
        throw Error(ErrorKind::invalid_argument,
                    "{} has neither tag nor digest: say what to remove", name.str());
    }
    registry::Session session(context.registries, name.domain, registry_credentials(request));
    registry::remove_manifest(session, name.path, tag_or_digest(name));
    return no_content();
}

Reply referrers(Context& context, Request& request) {
    const auto name = remote_name(request).with_default_tag();
    auto digest = name.digest;
    if (!digest) {
        digest = open_repository(context, request, name, registry::Access::pull)
                     .manifest(name.tag)
                     .descriptor.digest;
    }
    registry::Session session(context.registries, name.domain, registry_credentials(request));
    return {200,
            {{"Content-Type", std::string(oci::media_type::index)}},
            registry::referrers(session, name.path, *digest, request.param("artifactType"))};
}

}  // namespace

void add_registry_look_routes(Routes& routes) {
    routes.add("GET", "/images/search", search);
    routes.add("GET", "/distribution/{name*}/tags", tags);
    routes.add("GET", "/distribution/{name*}/referrers", referrers);
    routes.add("GET", "/distribution/{name*}/manifest", manifest);
    routes.add("PUT", "/distribution/{name*}/manifest", put_manifest);
    routes.add("POST", "/distribution/{name*}/copy", copy);
    routes.add("DELETE", "/distribution/{name*}", remove);
}

}  // namespace brig::api
