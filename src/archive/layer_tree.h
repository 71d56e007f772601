// A layer on disk, as snapshotters hand it to whoever fills or reads it.
#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "archive/owner_map.h"
#include "base/fd.h"

namespace brig::archive {

enum class LayerForm {
    overlay,  ///< `root` holds this layer alone, deletions as overlayfs marks them
    full,     ///< `root` holds the whole file system
};

/// What lies below a layer, nearest first. Not thread-safe.
class Lowers {
public:
    Lowers() = default;
    /// Layers that others are still making. `wait` is called when somebody first has to look into
    /// them, and returns them when they are there; if it throws, the next one calls it again.
    explicit Lowers(std::function<std::vector<Fd>()> wait) : wait_(std::move(wait)) {}

    void push_back(Fd layer) { layers_.push_back(std::move(layer)); }
    /// Whether there is nothing below. Never waits.
    [[nodiscard]] bool empty() const { return !wait_ && layers_.empty(); }
    [[nodiscard]] const std::vector<Fd>& layers() const {
        if (wait_) {
            layers_ = wait_();
            wait_ = {};
        }
        return layers_;
    }
    [[nodiscard]] std::vector<Fd> take() && {
        (void)layers();
        return std::move(layers_);
    }

private:
    mutable std::function<std::vector<Fd>()> wait_;
    mutable std::vector<Fd> layers_;
};

/// All descriptors are directories.
struct LayerTree {
    Fd root;
    /// overlay: each parent's own layer. full: the parent's whole tree, if there is a parent.
    Lowers lowers;
    LayerForm form = LayerForm::full;
    /// full, where the files are copies of the parent's: when they had been made. Nothing that was
    /// last touched before then can differ.
    std::optional<timespec> filled;
    /// Of the user namespace that the files belong to: whatever is unpacked here or written out
    /// goes through it. Lower layers are of the same.
    OwnerMap owners;
};

}  // namespace brig::archive
