// The compressions that only base systems, ADD and old archives use, by libarchive's own filters.
#pragma once

#include <memory>

#include "archive/stream.h"

namespace brig::archive {

/// xz or bzip2, in process.
std::unique_ptr<Source> make_filter_source(std::unique_ptr<Source> source);

}  // namespace brig::archive
