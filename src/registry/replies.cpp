// See replies.h.
#include "registry/replies.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::registry {
namespace {

namespace fields = oci::fields;

constexpr auto limit_bytes = oci::max_document_bytes;
constexpr std::size_t max_token_reply = 1U << 20U;
/// The specification's value where a server gives none. Shorter ones would be over before they
/// are used; a token that is refused is replaced anyway.
constexpr std::int64_t shortest_lifetime = 60;
constexpr std::int64_t longest_lifetime = 3600;

/// A token goes into a header as it is.
bool is_header_value(std::string_view token) {
    return !token.empty() &&
           std::ranges::all_of(token, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

TokenReply parse_token_reply(std::string_view body, const std::string& server) {
    const auto json = fields::parse_object(body, "the token of " + server, max_token_reply);
    TokenReply out{.token = fields::string(json, "token"),
                   .refresh_token = fields::string(json, "refresh_token"),
                   .lifetime = fields::integer(json, "expires_in")};
    if (out.token.empty()) out.token = fields::string(json, "access_token");
    if (!is_header_value(out.token)) {
        throw Error(ErrorKind::permission_denied, "token server {} gave no token that can be used",
                    server);
    }
    out.lifetime = std::clamp(out.lifetime, shortest_lifetime, longest_lifetime);
    return out;
}

std::vector<std::string> parse_tags(std::string_view body) {
    return fields::strings(fields::parse_object(body, "list of tags", limit_bytes), "tags");
}

std::vector<std::string> parse_catalog(std::string_view body) {
    return fields::strings(fields::parse_object(body, "list of repositories", limit_bytes),
                           "repositories");
}

std::vector<Found> parse_search(std::string_view body, std::size_t limit) {
    const auto json = fields::parse_object(body, "search result", limit_bytes);
    std::vector<Found> out;
    const auto* results = fields::find_array(json, "results");
    if (results == nullptr) return out;
    for (const auto& result : *results) {
        if (!result.is_object() || out.size() == limit) continue;
        out.push_back({.name = fields::string(result, "name"),
                       .description = fields::string(result, "description"),
                       .stars = fields::integer(result, "star_count"),
                       .official = fields::boolean(result, "is_official")});
    }
    return out;
}

std::string referrers_of_type(std::string_view index, const std::string& type) {
    auto json = fields::parse_object(index, "list of referrers", limit_bytes);
    if (fields::find_array(json, "manifests") == nullptr)
        json["manifests"] = nlohmann::json::array();
    auto& manifests = json["manifests"];
    for (auto at = manifests.begin(); at != manifests.end();) {
        const bool fits =
            at->is_object() && (type.empty() || fields::string(*at, "artifactType") == type);
        at = fits ? std::next(at) : manifests.erase(at);
    }
    return fields::dump(json);
}

}  // namespace brig::registry
