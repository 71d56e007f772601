// One repository of a registry: manifests, tags, blobs down and up. Nothing that comes out of here
// was not checked against its digest and length.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "content/store.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "registry/session.h"

namespace brig::registry {

enum class Access { pull, push };

struct Document {
    oci::Descriptor descriptor;
    std::string bytes;
};

/// Hears how many bytes of a blob have been transferred.
using Counter = std::function<void(std::uint64_t)>;

enum class Placed { was_there, mounted, uploaded };

/// Thread-safe. Every function throws RegistryError with the registry's own words for a refusal,
/// and Error naming registry and repository for what the registry does wrong.
class Repository {
public:
    Repository(Settings settings, const oci::Reference& name, Credentials credentials,
               Access access, Cancelled cancelled = {});

    /// A manifest or index by tag or digest.
    Document manifest(const std::string& tag_or_digest);
    /// The one an index names: type, length and digest are as announced there.
    Document manifest(const oci::Descriptor& announced);
    std::vector<std::string> tags();
    /// A blob of at most `limit` bytes as text (a configuration).
    std::string small_blob(const oci::Descriptor& blob, std::size_t limit);
    void put_manifest(const std::string& tag_or_digest, const std::string& media_type,
                      const std::string& bytes);

    /// Brings a blob into the store; a transfer that is cut goes on where it was.
    void fetch_blob(const oci::Descriptor& blob, content::Store& store, const Counter& received);
    /// The same, going on with what `begun` has of it from elsewhere, and leaving there what has
    /// come when it fails.
    void fetch_blob(const oci::Descriptor& blob, content::Store& store,
                    std::optional<content::Ingest>& begun, const Counter& received);
    /// Brings a blob of the store into the registry, by mounting it from another repository of the
    /// same registry where that works.
    Placed put_blob(const oci::Descriptor& blob, const Fd& file,
                    const std::optional<std::string>& mount_from, const Counter& sent);
    /// The same for a blob of another repository of this registry; through `store` where it cannot
    /// be mounted.
    Placed copy_blob(const oci::Descriptor& blob, Repository& from, content::Store& store);

    [[nodiscard]] const std::string& registry() const { return session_.registry(); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    [[nodiscard]] std::string scope(const std::optional<std::string>& other = {}) const;
    [[nodiscard]] std::string target(std::string_view what) const;
    /// Runs `work` and adds registry and repository to what it throws of ours.
    template <typename Work>
    auto named(Work work);
    Document read_manifest(const std::string& tag_or_digest, std::string_view accept);
    void receive(const oci::Descriptor& blob, content::Ingest& ingest, const Counter& received);
    void download(const oci::Descriptor& blob, content::Store& store,
                  std::optional<content::Ingest>& ingest, const Counter& received);
    bool has_blob(const Digest& digest);
    struct Upload;
    std::optional<Upload> begin_upload(const Digest& digest,
                                       const std::optional<std::string>& mount_from);
    void send(Upload& upload, const oci::Descriptor& blob, const Fd& file, const Counter& sent);
    bool find_offset(Upload& upload);
    void finish(const Upload& upload, const oci::Descriptor& blob, const Fd& file,
                const Counter& sent);
    static void add_rest(Call& call, const Upload& upload, const oci::Descriptor& blob,
                         const Fd& file, const Counter& sent);
    void upload(Upload upload, const oci::Descriptor& blob, const Fd& file, const Counter& sent);

    Session session_;
    std::string path_;
    Access access_;
};

}  // namespace brig::registry
