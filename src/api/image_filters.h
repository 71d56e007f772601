// `docker images --filter`.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "image/store.h"

namespace brig::api {

/// Keeps the images that pass: reference, dangling, label, label!, before, since, until. Throws
/// Error{invalid_argument} for any other key and for malformed values.
std::vector<image::Image> filter_images(std::vector<image::Image> images, const image::Store& store,
                                        const engine::Filters& filters);

}  // namespace brig::api
