// Garbage collection of a registry: blobs that no manifest of a repository refers to, abandoned
// uploads and, on request, manifests without a name.
#pragma once

#include <chrono>
#include <cstdint>

#include "registry/server/tree.h"

namespace brig::registry::server {

struct CollectOptions {
    /// What was written or asked for more recently stays: its manifest may be on the way.
    std::chrono::seconds grace = std::chrono::hours(1);
    std::chrono::seconds upload_lifetime = std::chrono::hours(24);
    /// Manifests that have neither a tag nor a place in an index or subject that has.
    bool untagged = false;
};

struct Collected {
    std::uint64_t bytes = 0;
    std::size_t manifests = 0;
    std::size_t uploads = 0;
};

/// Changes of the tree wait meanwhile; reading goes on.
Collected collect(Tree& tree, const CollectOptions& options);

}  // namespace brig::registry::server
