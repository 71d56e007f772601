// Copying a directory of an image into an empty volume, entry by entry and by descriptor, so that
// no link in either tree leads anywhere else.
#pragma once

#include <cstdint>

#include "base/fd.h"

namespace brig::volume {

/// Contents with owners, modes, times, extended attributes, hard links, devices; and the owner,
/// mode and times of the directory itself. Sockets are left out. Throws SysError.
void copy_tree(int source, int destination);

/// Bytes that the tree's files occupy, hard links counted once.
std::uint64_t tree_size(Fd directory);

}  // namespace brig::volume
