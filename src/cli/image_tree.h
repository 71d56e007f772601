// `brig images --tree`: images below those they were made from.
#pragma once

#include "cli/json.h"
#include "cli/listing.h"

namespace brig::cli {

struct TreeView {
    bool all = false;    ///< intermediate images, too
    bool whole = false;  ///< nothing is shortened
};

/// `images` is the engine's answer with intermediate images and shared sizes.
Listing image_tree(const Json& images, const TreeView& view);

}  // namespace brig::cli
