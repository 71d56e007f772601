// A layer on disk, as snapshotters hand it to whoever fills or reads it.
#pragma once

#include <ctime>
#include <optional>
#include <vector>

#include "base/fd.h"

namespace brig::archive {

enum class LayerForm {
    overlay,  ///< `root` holds this layer alone, deletions as overlayfs marks them
    full,     ///< `root` holds the whole file system
};

/// All descriptors are directories.
struct LayerTree {
    Fd root;
    /// What lies below, nearest first. overlay: each parent's own layer. full: the parent's whole
    /// tree, if there is a parent.
    std::vector<Fd> lowers;
    LayerForm form = LayerForm::full;
    /// full, where the files are copies of the parent's: when they had been made. Nothing that was
    /// last touched before then can differ.
    std::optional<timespec> filled;
};

}  // namespace brig::archive
