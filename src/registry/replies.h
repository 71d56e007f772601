// What registries and token servers answer in JSON beside images' own documents. All of it is
// hostile: sizes are bounded, and what is not of the right type is as if it were not there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace brig::registry {

/// A token server's answer.
struct TokenReply {
    std::string token;
    std::string refresh_token;  ///< an identity token; empty without one
    std::int64_t lifetime = 0;  ///< in seconds, within bounds
};
/// `server` is named in errors. Throws Error{permission_denied} for a token that is no header.
TokenReply parse_token_reply(std::string_view body, const std::string& server);

std::vector<std::string> parse_tags(std::string_view body);
std::vector<std::string> parse_catalog(std::string_view body);

struct Found {
    std::string name;
    std::string description = {};
    std::int64_t stars = 0;
    bool official = false;
};
/// docker.io's search; `limit` results at most.
std::vector<Found> parse_search(std::string_view body, std::size_t limit);

/// An index of referrers without those of other artifact types; all where `type` is empty.
std::string referrers_of_type(std::string_view index, const std::string& type);

}  // namespace brig::registry
