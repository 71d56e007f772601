// `docker load`: images from a docker-archive or OCI-archive stream.
#pragma once

#include <vector>

#include "image/store.h"

namespace brig::image {

/// Reads a tar (gzip, zstd or plain) sequentially: blobs go to the content store as they come.
/// Reports "Loaded image: NAME" or "Loaded image ID: sha256:…" per image. Throws
/// Error{invalid_argument}; images recorded before the fault stay, everything else of the archive
/// is gone. Images that are not for `only` are left out; Error{not_found} where none is left.
std::vector<Image> load(Store& store, std::unique_ptr<archive::Source> stream,
                        const Progress& progress, const std::optional<oci::Platform>& only = {});

}  // namespace brig::image
