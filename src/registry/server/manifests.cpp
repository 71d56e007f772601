// See manifests.h.
#include "registry/server/manifests.h"

#include "base/log.h"
#include "oci/manifest.h"
#include "registry/server/refusal.h"

namespace brig::registry::server {
namespace {

[[noreturn]] void missing(const Repo& repo, const Digest& digest) {
    throw Refusal(
        404, "MANIFEST_BLOB_UNKNOWN",
        fmt::format("the manifest refers to {}, which is not in {}", digest.str(), repo.name()));
}

void check_references(const Tree& tree, const Repo& repo, const Facts& facts) {
    for (const auto& blob : facts.blobs) {
        if (!tree.blob_size(repo, blob)) missing(repo, blob);
    }
    for (const auto& manifest : facts.manifests) {
        if (!repo.manifest(manifest)) missing(repo, manifest);
    }
}

std::string hex(const Digest& digest) { return std::string(digest.hex()); }

}  // namespace

void put_manifest(Tree& tree, const Repo& repo, std::string_view text, const Facts& facts,
                  const std::vector<std::string>& tags) {
    const Digest digest = Digest::of(text);
    // Blobs before what refers to them; and not under the lock, since a disk may take its time.
    tree.content().sync();
    const FileLock held = tree.lock();
    check_references(tree, repo, facts);
    tree.keep_manifest_bytes(digest, text);
    if (facts.subject) repo.referrers(*facts.subject).put(hex(digest), "", Durability::durable);
    repo.manifests().put(hex(digest), facts.media_type, Durability::durable);
    for (const auto& tag : tags) repo.tags().put(tag, digest.str(), Durability::durable);
}

bool remove_manifest_locked(Tree& tree, const Repo& repo, const Digest& digest) {
    const auto loaded = load_manifest(tree, repo, digest);
    for (const auto& tag : repo.tags().list()) {
        if (repo.tags().get(tag) == digest.str()) repo.tags().remove(tag);
    }
    if (loaded && loaded->facts.subject) repo.referrers(*loaded->facts.subject).remove(hex(digest));
    return repo.manifests().remove(hex(digest));
}

bool remove_manifest(Tree& tree, const Repo& repo, const Digest& digest) {
    const FileLock held = tree.lock();
    return remove_manifest_locked(tree, repo, digest);
}

std::optional<Loaded> load_manifest(Tree& tree, const Repo& repo, const Digest& digest) {
    auto manifest = repo.manifest(digest);
    if (!manifest) return std::nullopt;
    try {
        auto text = tree.content().read(digest, oci::max_document_bytes);
        auto facts = facts_of(text, manifest->media_type);
        return Loaded{std::move(*manifest), std::move(text), std::move(facts)};
    } catch (const Error& e) {
        log::warn("{}: {}", repo.name(), e.message());
        return std::nullopt;
    }
}

}  // namespace brig::registry::server
