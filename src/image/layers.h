// Layers of images: unpacking blobs into snapshots named by chain ID, turning snapshots into
// blobs, and removing both when no image needs them.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "archive/layer.h"
#include "image/store.h"

namespace brig::image {

/// Thread-safe.
class Layers {
public:
    Layers(content::Store& content, snapshot::Snapshotter& snapshots);

    /// These four are the functions of Store with the same names. `size`, where it is known, saves
    /// counting an unpacked layer.
    Layer add(archive::Source& blob, const std::optional<Digest>& parent,
              const std::optional<Digest>& expected);
    Layer unpack(const oci::Descriptor& blob, const std::optional<Digest>& parent,
                 const Digest& expected, const Unpacking& how, std::optional<std::uint64_t> size);
    Layer commit_snapshot(const std::string& key, const std::optional<Digest>& parent);
    Layer copy_snapshot(const std::string& key, const std::optional<Digest>& parent);

    /// True, and safe from collect() while a content lease lives, when the snapshot is there.
    bool hold(const Digest& chain);
    struct Live {
        std::set<Digest> chains;
        std::set<Digest> blobs;
    };
    /// Removes the snapshots of layers and the blobs that are neither live nor held. `live` is
    /// asked once no layer can come into being any more. Returns the bytes of blobs freed.
    std::uint64_t collect(const std::function<Live()>& live);

private:
    void commit_as(const Digest& chain, const std::string& key);
    [[nodiscard]] archive::Lowers lowers_when_there(const Digest& parent,
                                                    const std::function<void()>& wait);
    void put_on_top(const std::string& key, const archive::LayerTree& tree, const Digest& parent,
                    const archive::Applied& applied);
    void discard(const std::string& key) noexcept;
    void remove_stale();
    Layer write_blob(const std::string& key, const std::optional<Digest>& parent);
    std::uint64_t size_of(const Digest& chain);
    void remove_dead_snapshots(const std::set<Digest>& chains);

    content::Store& content_;
    snapshot::Snapshotter& snapshots_;
    std::mutex mutex_;
    std::set<Digest> held_;
    std::atomic<unsigned> unpacking_ = 0;  ///< layers at this moment
};

}  // namespace brig::image
