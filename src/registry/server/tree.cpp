// See tree.h.
#include "registry/server/tree.h"

#include <set>

#include "base/random.h"
#include "base/strings.h"
#include "oci/reference.h"
#include "registry/server/refusal.h"

namespace brig::registry::server {
namespace fs = std::filesystem;
namespace {

/// So that image names, which have a registry's in front, can be checked by their own parser.
const std::string any_registry = "localhost/";

fs::path prepared(const fs::path& root) {
    make_directories(root / "repositories");
    make_directories(root / "incoming");
    return root;
}

/// The store's own preparations are not for two at a time.
content::Store open_store(const fs::path& root) {
    const FileLock lock = FileLock::acquire(root / "lock");
    return content::Store(root);
}

}  // namespace

std::optional<StoredManifest> Repo::manifest(const Digest& digest) const {
    auto type = manifests().get(std::string(digest.hex()));
    if (!type) return std::nullopt;
    return StoredManifest{digest, std::move(*type)};
}

std::optional<StoredManifest> Repo::manifest(const std::string& reference) const {
    if (reference.find(':') != std::string::npos) return manifest(parse_digest(reference));
    if (!is_tag(reference)) return std::nullopt;
    const auto digest = tags().get(reference);
    return digest ? manifest(parse_digest(*digest)) : std::nullopt;
}

Tree::Tree(const fs::path& root) : root_(prepared(root)), content_(open_store(root_)) {}

Repo Tree::repo(const std::string& name) const {
    const auto parsed = oci::Reference::try_parse(any_registry + name);
    if (!parsed || parsed->path != name || !parsed->tag.empty() || parsed->digest)
        throw Refusal(400, "NAME_INVALID", fmt::format("invalid repository name {:?}", name));
    return {root_ / "repositories" / name, name};
}

std::vector<std::string> Tree::names() const {
    std::set<std::string> out;
    const fs::path top = root_ / "repositories";
    std::error_code none;
    for (auto at = fs::recursive_directory_iterator(top, none);
         at != fs::recursive_directory_iterator(); at.increment(none)) {
        if (!at->path().filename().string().starts_with('_')) continue;
        at.disable_recursion_pending();
        out.insert(at->path().parent_path().lexically_relative(top));
    }
    return {out.begin(), out.end()};
}

std::optional<std::uint64_t> Tree::blob_size(const Repo& repo, const Digest& digest) const {
    const auto link = repo.blobs().get(std::string(digest.hex()));
    if (!link) return std::nullopt;
    // A power loss may have truncated what was not flushed yet.
    const auto size = content_.size(digest);
    return size && std::to_string(*size) == *link ? size : std::nullopt;
}

void Tree::adopt_blob(const Repo& repo, const Digest& digest, const fs::path& file) {
    const FileLock held = lock();
    const auto size = fs::file_size(file);
    content_.adopt(file, digest);
    repo.blobs().put(std::string(digest.hex()), std::to_string(size), Durability::rebuildable);
}

void Tree::keep_manifest_bytes(const Digest& digest, std::string_view text) {
    const fs::path file = root_ / "incoming" / random_hex(8);
    write_file_atomic(file, text, 0600, Durability::durable);
    content_.adopt(file, digest);
}

Digest parse_digest(const std::string& text) {
    try {
        return Digest::parse(text);
    } catch (const Error& e) {
        throw Refusal(400, "DIGEST_INVALID", e.message());
    }
}

bool is_tag(const std::string& text) {
    const auto parsed = oci::Reference::try_parse(any_registry + "x:" + text);
    return parsed && parsed->tag == text && !parsed->digest;
}

}  // namespace brig::registry::server
