// Terminals from a container's own devpts.
#pragma once

#include "os/pty.h"

namespace brig::os {

/// A new pair from /dev/pts inside `root` (a directory, or AT_FDCWD when already inside). Throws
/// when what is there is no terminal multiplexer.
Pty open_container_pty(int root);

}  // namespace brig::os
