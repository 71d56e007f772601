// What images share: which layers are how many images' own.
#pragma once

#include <cstdint>
#include <map>

#include "image/store.h"

namespace brig::image {

/// As of the moment it was made. Images that only serve as parents of others do not count: their
/// layers are their children's.
class LayerUse {
public:
    explicit LayerUse(const Store& images);

    /// Bytes of all layers, each counted once.
    [[nodiscard]] std::uint64_t total() const;
    /// Bytes of the layers that another image has, too: the rest goes with the image.
    [[nodiscard]] std::uint64_t shared(const Image& image) const;

private:
    struct Use {
        std::uint64_t bytes = 0;
        int images = 0;
    };
    std::map<Digest, Use> layers_;
};

}  // namespace brig::image
