// What the kernel needs for Linux programs in a jail: linux(4), as rc.d/linux sets it up.
#pragma once

namespace brig::os {

/// Loads the modules that are not there. Throws SysError naming the one that cannot be loaded.
void enable_linux_emulation();

}  // namespace brig::os
