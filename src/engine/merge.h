// An image's defaults under what the client asked for.
#pragma once

#include "engine/types.h"
#include "oci/image_config.h"

namespace brig::engine {

/// Docker's rules: a client's entrypoint drops the image's cmd; environment by variable; labels by
/// key; ports and volumes united.
void merge_image_config(Config& config, const oci::ExecutionConfig& image);

}  // namespace brig::engine
