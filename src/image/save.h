// `docker save`: an OCI layout that is a docker-archive at the same time.
#pragma once

#include <string>
#include <vector>

#include "image/store.h"

namespace brig::image {

/// Writes the images named (names or IDs; names appear as tags in the archive) as one tar, without
/// those that are not for `only`.
void save(Store& store, const std::vector<std::string>& names, int fd,
          const std::optional<oci::Platform>& only = {});

}  // namespace brig::image
