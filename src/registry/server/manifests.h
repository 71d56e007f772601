// Storing and removing manifests, with the checks and the bookkeeping that belong to it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "registry/server/facts.h"
#include "registry/server/tree.h"

namespace brig::registry::server {

/// Throws Refusal{MANIFEST_BLOB_UNKNOWN} when a blob or manifest that it refers to is not in the
/// repository. Durable at return.
void put_manifest(Tree& tree, const Repo& repo, std::string_view text, const Facts& facts,
                  const std::vector<std::string>& tags);
/// With the tags that name it. False where it is not.
bool remove_manifest(Tree& tree, const Repo& repo, const Digest& digest);
/// The same, for who holds the tree's lock.
bool remove_manifest_locked(Tree& tree, const Repo& repo, const Digest& digest);

/// A stored manifest's bytes and facts; nothing where the store has lost it.
struct Loaded {
    StoredManifest manifest;
    std::string text;
    Facts facts;
};
std::optional<Loaded> load_manifest(Tree& tree, const Repo& repo, const Digest& digest);

}  // namespace brig::registry::server
