// What is known of a volume beside its data: volume.json in its directory.
#pragma once

#include <filesystem>

#include "base/file.h"
#include "volume/store.h"

namespace brig::volume {

void write_metadata(const std::filesystem::path& directory, const Volume& volume,
                    Durability durability);

/// Without the name and the mountpoint. A file that is missing or broken (power was lost before
/// an anonymous volume reached the disk) loses the labels, never the data.
Volume read_metadata(const std::filesystem::path& directory);

}  // namespace brig::volume
