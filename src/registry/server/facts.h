// What the registry has to know of a manifest that it stores: what it refers to, and how it is
// listed among the referrers of another. The bytes are a client's, thus hostile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace brig::registry::server {

struct Facts {
    std::string media_type;
    std::vector<Digest> blobs;      ///< without what is "not distributable" and is elsewhere
    std::vector<Digest> manifests;  ///< of an index
    std::optional<Digest> subject;
    std::string artifact_type;  ///< of an image without one: its configuration's media type
    std::map<std::string, std::string> annotations;
};

/// `content_type` as the client declared it. Throws Error{invalid_argument}.
Facts facts_of(std::string_view document, std::string_view content_type);

}  // namespace brig::registry::server
