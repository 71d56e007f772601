// Images: names and configurations over the content store's blobs and the snapshotter's layers.
// load.h, save.h, import.h and bootstrap.h bring images in and out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/stream.h"
#include "base/digest.h"
#include "base/time.h"
#include "content/store.h"
#include "oci/descriptor.h"
#include "oci/image_config.h"
#include "oci/reference.h"
#include "snapshot/snapshotter.h"

namespace brig::image {

/// A layer in the store: its blob is in the content store, its files are the committed snapshot
/// named by the chain ID.
struct Layer {
    Digest diff_id;   ///< of the uncompressed tar
    Digest chain_id;  ///< of this layer on its parents
    oci::Descriptor blob;
    std::uint64_t size = 0;  ///< of the uncompressed tar
};

struct Image {
    Digest id;        ///< the digest of the configuration, docker's image ID
    Digest manifest;  ///< an OCI or docker manifest in the content store
    oci::ImageConfig config;
    std::vector<oci::Descriptor> layers;  ///< as in the manifest
    std::vector<Digest> chain_ids;        ///< one per layer, lowest first
    std::vector<std::string> tags;        ///< familiar: "busybox:latest"
    std::vector<std::string> digests;     ///< familiar: "busybox@sha256:…"
    std::optional<Digest> parent;         ///< the image it was built from, if known here
    std::uint64_t size = 0;               ///< of the layers' files, uncompressed
    Instant stored;                       ///< when it came into this store
    std::optional<Instant> last_tagged;
    /// Found by a name that stands for other blobs of the same image, made by convert(). Pushed as
    /// it is.
    bool is_form = false;
};

/// One line of `history`, newest first.
struct HistoryItem {
    std::string id;  ///< "sha256:…" or "<missing>"
    oci::HistoryEntry entry;
    std::vector<std::string> tags;
    std::uint64_t size = 0;
};

struct NewImage {
    oci::ImageConfig config;    ///< diff_ids are set from `layers`
    std::vector<Layer> layers;  ///< lowest first
    std::vector<oci::Reference> names;
    std::optional<Digest> parent;
    /// False for intermediate results: not flushed to disk, and forgotten if the power fails
    /// before something durable is stored.
    bool durable = true;
};

/// A container that uses an image, as the engine knows it.
struct ImageUser {
    std::string container_id;
    Digest image;
    std::string image_reference;  ///< as given at create
    bool running = false;
};

struct RemoveOptions {
    bool force = false;
    bool prune_parents = true;
    std::vector<ImageUser> users;
};

/// One of the two is set: what `rmi` prints.
struct Removal {
    std::string untagged;
    std::string deleted;
};

/// Hears how many bytes of something are done; may be called on another thread.
using Counter = std::function<void(std::uint64_t)>;

struct Unpacking {
    /// Hears how many of the blob's bytes have been read.
    Counter read;
    /// Where given, the parent may still be being unpacked: returns when it is there, or throws.
    std::function<void()> parent_there;
};

struct Parts {
    std::filesystem::path database;  ///< meta.db; tables of others in it are left alone
    content::Store& content;
    snapshot::Snapshotter& snapshots;
};

/// Thread-safe. Images are read from memory; every change is on disk before a call returns.
class Store {
public:
    /// Opens the tables, forgets images whose blobs did not survive and collects what nothing
    /// refers to.
    explicit Store(const Parts& parts);
    ~Store();

    // Reading.
    /// By name (with or without tag or digest), full ID or unambiguous prefix of one. Throws
    /// Error{not_found} "No such image: X".
    [[nodiscard]] Image resolve(std::string_view name_or_id) const;
    [[nodiscard]] std::optional<Image> find(const Digest& id) const;
    /// Newest first. Without `all`, images that only serve as parents of others are left out.
    [[nodiscard]] std::vector<Image> list(bool all = false) const;
    [[nodiscard]] std::vector<Image> children(const Digest& parent) const;
    [[nodiscard]] std::vector<HistoryItem> history(const Image& image) const;
    /// The configuration's bytes as stored.
    [[nodiscard]] std::string raw_config(const Image& image) const;
    /// The layers of an image as `create` takes them, to build on top: keep() it before.
    [[nodiscard]] std::vector<Layer> layers_of(const Image& image) const;
    /// All of the image is there until the caller's content().lease() ends, whatever is removed
    /// meanwhile. Throws Error{not_found} where some of it has gone already.
    void keep(const Image& image) const;
    /// The key of the committed snapshot that containers of the image get as parent; absent for an
    /// image without layers. Unpacks what is missing.
    std::optional<std::string> top_snapshot(const Image& image);

    // Naming and removing.
    /// Throws not_found, or invalid_argument for a bad or digested name.
    void tag(std::string_view source, std::string_view target);
    /// docker rmi. Throws Error{conflict} with docker's words when a container is in the way.
    std::vector<Removal> remove(std::string_view name_or_id, const RemoveOptions& options);
    /// Removes untagged images (`all`: every image without a user), those that are `wanted`, and
    /// what pulls that failed have left. Reports the bytes freed, of files and of blobs.
    struct Pruned {
        std::vector<Removal> removed;
        std::uint64_t bytes = 0;
    };
    Pruned prune(bool all, const std::vector<ImageUser>& users,
                 const std::function<bool(const Image&)>& wanted = {});
    /// Removes snapshots and blobs that no image needs; call when the last container of a removed
    /// image is gone. Cheap when there is nothing to do. Returns the bytes of blobs freed.
    std::uint64_t collect();

    /// A pull of this manifest, which is in the content store, begins. What it brings is kept until
    /// `record` or `prune`, but no longer than a day, even if the pull fails or the engine dies:
    /// the next try goes on from there.
    void begin_pull(const Digest& manifest);

    // Making. Hold a content().lease() from the first blob to `create`.
    /// Stores a layer tar (compressed or not) as a blob and unpacks it on `parent`, once: a layer
    /// that is there already is only read. `expected` is checked against the uncompressed bytes.
    Layer add_layer(archive::Source& blob, const std::optional<Digest>& parent_chain,
                    const std::optional<Digest>& expected = {});
    /// The same for a blob already in the content store, whose media type is `blob.media_type`.
    Layer unpack(const oci::Descriptor& blob, const std::optional<Digest>& parent_chain,
                 const Digest& expected, const Unpacking& how = {});
    /// Turns the active snapshot `key` (not mounted any more) into a layer on `parent_chain`.
    /// `key` is gone afterwards.
    Layer commit_snapshot(const std::string& key, const std::optional<Digest>& parent_chain);
    /// The same without consuming `key` (docker commit of a container that goes on).
    Layer copy_snapshot(const std::string& key, const std::optional<Digest>& parent_chain);
    Image create(NewImage image);
    /// Records an image whose manifest and blobs are in the content store and unpacked (load,
    /// pull), under `names` in addition to those it has.
    Image record(const Digest& manifest, const std::vector<oci::Reference>& names);

    /// Names another form of an image that is here: `manifest` and its blobs are in the content
    /// store, its configuration is the image's. Throws Error{not_found}.
    Image record_form(const Digest& manifest, const oci::Reference& name);

    [[nodiscard]] content::Store& content() const;
    [[nodiscard]] snapshot::Snapshotter& snapshots() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Progress lines of long operations, without newline.
using Progress = std::function<void(const std::string&)>;

}  // namespace brig::image
