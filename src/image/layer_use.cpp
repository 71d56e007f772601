// See layer_use.h.
#include "image/layer_use.h"

namespace brig::image {

LayerUse::LayerUse(const Store& images) {
    for (const auto& image : images.list()) {
        for (const auto& layer : images.layers_of(image)) {
            auto& use = layers_[layer.chain_id];
            use.bytes = layer.size;
            ++use.images;
        }
    }
}

std::uint64_t LayerUse::total() const {
    std::uint64_t bytes = 0;
    for (const auto& [chain, use] : layers_) bytes += use.bytes;
    return bytes;
}

std::uint64_t LayerUse::shared(const Image& image) const {
    std::uint64_t bytes = 0;
    for (const auto& chain : image.chain_ids) {
        const auto use = layers_.find(chain);
        if (use != layers_.end() && use->second.images > 1) bytes += use->second.bytes;
    }
    return bytes;
}

}  // namespace brig::image
