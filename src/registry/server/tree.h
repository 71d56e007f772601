// The registry on disk: blobs in a content store that all repositories share, and for each
// repository a directory that says which of them it holds:
//
//     blobs/sha256/HEX                        as in any OCI image layout
//     repositories/NAME/_blobs/HEX            its size
//     repositories/NAME/_manifests/HEX        its media type
//     repositories/NAME/_tags/TAG             a digest
//     repositories/NAME/_referrers/HEX/HEX    a manifest whose subject is the first
//     repositories/NAME/_uploads/ID           what has come of a blob so far
//     lock                                    held while links change, and while garbage is
//     collected
//
// Several processes may serve one tree: each connection by SSH is one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "content/store.h"
#include "registry/server/links.h"

namespace brig::registry::server {

struct StoredManifest {
    Digest digest;
    std::string media_type;
};

/// One repository. Nothing is read before it is asked for.
class Repo {
public:
    Repo(std::filesystem::path directory, std::string name)
        : directory_(std::move(directory)), name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool exists() const { return blobs().exist() || manifests().exist(); }
    [[nodiscard]] Links blobs() const { return Links(directory_ / "_blobs"); }
    [[nodiscard]] Links manifests() const { return Links(directory_ / "_manifests"); }
    [[nodiscard]] Links tags() const { return Links(directory_ / "_tags"); }
    [[nodiscard]] Links referrers(const Digest& subject) const {
        return Links(directory_ / "_referrers" / subject.hex());
    }
    [[nodiscard]] std::filesystem::path uploads() const { return directory_ / "_uploads"; }

    /// By tag or digest.
    [[nodiscard]] std::optional<StoredManifest> manifest(const std::string& reference) const;
    [[nodiscard]] std::optional<StoredManifest> manifest(const Digest& digest) const;

private:
    std::filesystem::path directory_;
    std::string name_;
};

/// Thread-safe.
class Tree {
public:
    /// Makes what is not there.
    explicit Tree(const std::filesystem::path& root);

    /// Throws Refusal for what cannot be a repository's name.
    [[nodiscard]] Repo repo(const std::string& name) const;
    /// All that were ever written to, in ASCII order.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] content::Store& content() { return content_; }
    [[nodiscard]] FileLock lock() const { return FileLock::acquire(root_ / "lock"); }

    /// The size of a blob that the repository has; nothing where the store has lost it.
    [[nodiscard]] std::optional<std::uint64_t> blob_size(const Repo& repo,
                                                         const Digest& digest) const;
    /// Takes over a file of the tree's with a blob's bytes, which the caller has checked.
    void adopt_blob(const Repo& repo, const Digest& digest, const std::filesystem::path& file);
    /// Stores a manifest, durably, with all that it needs; `text` was checked by the caller.
    void keep_manifest_bytes(const Digest& digest, std::string_view text);

private:
    std::filesystem::path root_;
    content::Store content_;
};

/// Throws Refusal for what is no digest of ours.
Digest parse_digest(const std::string& text);
bool is_tag(const std::string& text);

}  // namespace brig::registry::server
