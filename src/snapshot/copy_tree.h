// Copies a tree with owners, modes, times, attributes and hard links, sharing blocks where the file
// system can.
#pragma once

#include "base/fd.h"

namespace brig::snapshot {

/// Everything in the directory `from`, and its own attributes, to the empty directory `to`. Links
/// are copied, never followed; sockets are left out. Throws SysError naming the path.
void copy_tree(const Fd& from, const Fd& to);

}  // namespace brig::snapshot
