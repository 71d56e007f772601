// What stores need of the kernel beyond POSIX: flushing one file system, and telling boots apart.
#pragma once

#include <string>

namespace brig::os {

/// Flushes the file system that `fd` is on. Throws SysError.
void sync_filesystem(int fd);

/// Changes with every boot: data that was not flushed under another identity may be lost.
std::string boot_identity();

}  // namespace brig::os
