// See collect.h. Mark and sweep, first within each repository (its manifests and its links to
// blobs), then over the store: what no repository links is nobody's.
#include "registry/server/collect.h"

#include <unistd.h>

#include <set>

#include "registry/server/manifests.h"

namespace brig::registry::server {
namespace fs = std::filesystem;
namespace {

using Digests = std::set<Digest>;

Digest from_hex(const std::string& hex) { return Digest::parse("sha256:" + hex); }

class RepoCollection {
public:
    RepoCollection(Tree& tree, Repo repo, const CollectOptions& options, Collected& out)
        : tree_(tree), repo_(std::move(repo)), options_(options), out_(out) {}

    /// Adds what stays to `live`.
    void run(Digests& live) {
        sweep_uploads();
        if (options_.untagged) sweep_untagged();
        Digests used;
        for (const auto& hex : repo_.manifests().list()) {
            const Digest digest = from_hex(hex);
            live.insert(digest);
            if (const auto loaded = load_manifest(tree_, repo_, digest))
                used.insert(loaded->facts.blobs.begin(), loaded->facts.blobs.end());
        }
        for (const auto& hex : repo_.blobs().list()) {
            const Digest digest = from_hex(hex);
            if (!used.contains(digest) && is_old(repo_.blobs(), hex)) {
                repo_.blobs().remove(hex);
            } else {
                live.insert(digest);
            }
        }
    }

private:
    [[nodiscard]] bool is_old(const Links& links, const std::string& name) const {
        const auto age = links.age(name);
        return age && *age >= options_.grace;
    }

    void sweep_uploads() {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(repo_.uploads(), none)) {
            const auto age = age_of(entry.path());
            if (!age || *age < options_.upload_lifetime) continue;
            if (::unlink(entry.path().c_str()) == 0) ++out_.uploads;
        }
    }

    /// All that `roots` lead to: members of indexes, and what has one of them as its subject. Not
    /// recursive, since a client decides how deep indexes nest.
    Digests reachable(std::vector<Digest> roots) {
        Digests kept;
        while (!roots.empty()) {
            const Digest digest = roots.back();
            roots.pop_back();
            if (!repo_.manifest(digest) || !kept.insert(digest).second) continue;
            if (const auto loaded = load_manifest(tree_, repo_, digest)) {
                const auto& members = loaded->facts.manifests;
                roots.insert(roots.end(), members.begin(), members.end());
            }
            for (const auto& hex : repo_.referrers(digest).list()) roots.push_back(from_hex(hex));
        }
        return kept;
    }

    void sweep_untagged() {
        std::vector<Digest> roots;
        for (const auto& tag : repo_.tags().list()) {
            if (const auto digest = repo_.tags().get(tag)) roots.push_back(Digest::parse(*digest));
        }
        const auto all = repo_.manifests().list();
        for (const auto& hex : all) {
            if (!is_old(repo_.manifests(), hex)) roots.push_back(from_hex(hex));
        }
        const Digests kept = reachable(std::move(roots));
        for (const auto& hex : all) {
            if (kept.contains(from_hex(hex))) continue;
            if (remove_manifest_locked(tree_, repo_, from_hex(hex))) ++out_.manifests;
        }
    }

    Tree& tree_;
    Repo repo_;
    const CollectOptions& options_;
    Collected& out_;
};

}  // namespace

Collected collect(Tree& tree, const CollectOptions& options) {
    const FileLock held = tree.lock();
    Collected out;
    Digests live;
    for (const auto& name : tree.names()) {
        RepoCollection(tree, tree.repo(name), options, out).run(live);
    }
    out.bytes = tree.content().collect(live);
    return out;
}

}  // namespace brig::registry::server
