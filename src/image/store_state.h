// What the parts of image::Store share. Private to this layer.
#pragma once

#include <mutex>
#include <set>

#include "image/layers.h"
#include "image/layout_index.h"
#include "image/records.h"
#include "image/store.h"

namespace brig::image {

struct Store::State {
    explicit State(const Parts& given)
        : parts(given),
          records(given.database, given.content),
          index(given.content),
          layers(given.content, given.snapshots) {}

    Parts parts;
    mutable std::mutex mutex;  ///< guards `records`, `index` and `in_use`
    Records records;
    LayoutIndex index;
    Layers layers;
    /// Images that were looked up or made under a lease, which a build, a push or a container to be
    /// is about to need: they are not pruned, nor removed as somebody's parents.
    std::set<Digest> in_use;

    void note_use(const Digest& image);
    /// `in_use`, forgotten where no lease is left. With `mutex` held.
    const std::set<Digest>& used_images();
    /// With `mutex` held. Throws as Store::resolve.
    [[nodiscard]] std::shared_ptr<const Image> resolve(std::string_view text) const;
    [[nodiscard]] std::optional<std::uint64_t> layer_size(const Digest& diff_id) const;
    void note_sizes(const std::vector<Layer>& made);
};

/// True for text by which `id` is meant rather than a name ("sha256:abc", "abc").
bool is_prefix_of(std::string_view text, const Digest& id);

}  // namespace brig::image
