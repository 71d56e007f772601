// Manifests and tags.
#include "registry/server/manifests.h"
#include "registry/server/refusal.h"
#include "registry/server/service.h"

namespace brig::registry::server {
namespace {

[[noreturn]] void unknown(const Repo& repo, const std::string& reference) {
    if (!repo.exists()) {
        throw Refusal(404, "NAME_UNKNOWN", fmt::format("there is no repository {}", repo.name()));
    }
    throw Refusal(404, "MANIFEST_UNKNOWN",
                  fmt::format("{} has no manifest {:?}", repo.name(), reference));
}

http::Reply get(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto& reference = request.parameter("reference");
    const auto manifest = repo.manifest(reference);
    const auto size = manifest ? context.tree.content().size(manifest->digest) : std::nullopt;
    if (!size) unknown(repo, reference);
    return {200,
            {{"Content-Type", manifest->media_type},
             {"Docker-Content-Digest", manifest->digest.str()},
             {"ETag", fmt::format("\"{}\"", manifest->digest.str())}},
            http::FileBody{context.tree.content().open(manifest->digest), 0, *size}};
}

Facts checked_facts(const http::Request& request) {
    try {
        return facts_of(request.body, request.header("content-type"));
    } catch (const Error& e) {
        throw Refusal(400, "MANIFEST_INVALID", e.message());
    }
}

/// By tag, or by digest with tags as parameters.
std::vector<std::string> wanted_tags(const http::Request& request) {
    const auto& reference = request.parameter("reference");
    std::vector<std::string> out;
    if (reference.find(':') == std::string::npos) {
        out.push_back(reference);
    } else {
        if (parse_digest(reference) != Digest::of(request.body)) {
            throw Refusal(400, "DIGEST_INVALID",
                          fmt::format("the manifest's digest is not {}", reference));
        }
        const auto [begin, end] = request.query.equal_range("tag");
        for (auto at = begin; at != end; ++at) out.push_back(at->second);
    }
    for (const auto& tag : out) {
        if (!is_tag(tag)) throw Refusal(400, "TAG_INVALID", fmt::format("invalid tag {:?}", tag));
    }
    return out;
}

http::Reply put(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto tags = wanted_tags(request);
    const Facts facts = checked_facts(request);
    put_manifest(context.tree, repo, request.body, facts, tags);
    const auto digest = Digest::of(request.body).str();
    http::Reply reply{201,
                      {{"Location", fmt::format("/v2/{}/manifests/{}", repo.name(), digest)},
                       {"Docker-Content-Digest", digest}},
                      {}};
    if (facts.subject) reply.headers.emplace_back("OCI-Subject", facts.subject->str());
    if (request.has_param("tag")) {
        for (const auto& tag : tags) reply.headers.emplace_back("OCI-Tag", tag);
    }
    return reply;
}

http::Reply remove(Context& context, http::Request& request) {
    const Repo repo = context.repo(request.parameter("name"));
    const auto& reference = request.parameter("reference");
    const bool removed = reference.find(':') == std::string::npos
                             ? is_tag(reference) && repo.tags().remove(reference)
                             : remove_manifest(context.tree, repo, parse_digest(reference));
    if (!removed) unknown(repo, reference);
    return {202, {}, {}};
}

}  // namespace

void add_manifest_routes(Routes& routes) {
    routes.add("GET", "/v2/{name*}/manifests/{reference}", get);
    routes.add("HEAD", "/v2/{name*}/manifests/{reference}", get);
    routes.add("PUT", "/v2/{name*}/manifests/{reference}", put);
    routes.add("DELETE", "/v2/{name*}/manifests/{reference}", remove);
}

}  // namespace brig::registry::server
