// What there is: tags, referrers, repositories.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "oci/descriptor.h"
#include "registry/server/manifests.h"
#include "registry/server/refusal.h"
#include "registry/server/service.h"

namespace brig::registry::server {
namespace {

using nlohmann::json;

http::Reply json_reply(const json& value, std::string_view type = "application/json") {
    auto text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return {200, {{"Content-Type", std::string(type)}}, std::move(text)};
}

struct Page {
    std::vector<std::string> names;
    std::string next;  ///< where the next page begins; empty: there is none
};

/// By the parameters `n` and `last`. `names` are sorted.
Page page_of(std::vector<std::string> names, const http::Request& request) {
    if (request.has_param("last")) {
        const auto from = std::ranges::upper_bound(names, request.param("last"));
        names.erase(names.begin(), from);
    }
    Page out{std::move(names), {}};
    if (!request.has_param("n")) return out;
    const auto limit = parse_int<std::size_t>(request.param("n"));
    if (!limit) {
        throw Refusal(400, "PAGINATION_NUMBER_INVALID",
                      fmt::format("n={} is not a number", request.param("n")));
    }
    if (out.names.size() <= *limit) return out;
    out.names.resize(*limit);
    if (*limit > 0) out.next = out.names.back();
    return out;
}

void add_link(http::Reply& reply, const http::Request& request, const Page& page) {
    if (page.next.empty()) return;
    // Names and tags have no character that would have to be escaped but the slash, which may be.
    reply.headers.emplace_back("Link", fmt::format("<{}?n={}&last={}>; rel=\"next\"", request.path,
                                                   request.param("n"), page.next));
}

http::Reply tags(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    if (!repo.exists()) {
        throw Refusal(404, "NAME_UNKNOWN", fmt::format("there is no repository {}", repo.name()));
    }
    const Page page = page_of(repo.tags().list(), request);
    auto reply = json_reply({{"name", repo.name()}, {"tags", page.names}});
    add_link(reply, request, page);
    return reply;
}

http::Reply catalog(Context& context, http::Request& request) {
    auto names = context.tree.names();
    std::erase_if(names, [&](const std::string& name) {
        return !context.visible(name) || context.tree.repo(name).manifests().list().empty();
    });
    const Page page = page_of(std::move(names), request);
    auto reply = json_reply({{"repositories", page.names}});
    add_link(reply, request, page);
    return reply;
}

json describe(const Loaded& referrer) {
    json out{{"mediaType", referrer.manifest.media_type},
             {"digest", referrer.manifest.digest.str()},
             {"size", referrer.text.size()}};
    if (!referrer.facts.artifact_type.empty()) out["artifactType"] = referrer.facts.artifact_type;
    if (!referrer.facts.annotations.empty()) out["annotations"] = referrer.facts.annotations;
    return out;
}

http::Reply referrers(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const Digest subject = parse_digest(request.parameter("digest"));
    const auto wanted = request.param("artifactType");
    json manifests = json::array();
    for (const auto& hex : repo.referrers(subject).list()) {
        const auto referrer = load_manifest(context.tree, repo, Digest::parse("sha256:" + hex));
        if (!referrer || (!wanted.empty() && referrer->facts.artifact_type != wanted)) continue;
        manifests.push_back(describe(*referrer));
    }
    auto reply = json_reply({{"schemaVersion", 2},
                             {"mediaType", oci::media_type::index},
                             {"manifests", std::move(manifests)}},
                            oci::media_type::index);
    if (!wanted.empty()) reply.headers.emplace_back("OCI-Filters-Applied", "artifactType");
    return reply;
}

}  // namespace

void add_list_routes(Routes& routes) {
    routes.add("GET", "/v2/_catalog", catalog);
    routes.add("GET", "/v2/{name*}/tags/list", tags);
    routes.add("GET", "/v2/{name*}/referrers/{digest}", referrers);
}

}  // namespace brig::registry::server
