// The root of a container as seen from outside, and files in it that somebody else wrote.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "base/fd.h"

namespace brig::os {

/// A directory descriptor. Linux: by way of the process, whose mount namespace is the only place
/// the root is mounted in. FreeBSD: where the host has it mounted. What is beneath is hostile: use
/// it with open_in_root() only. Throws SysError.
Fd open_container_root(pid_t process, const std::filesystem::path& mounted_at);

/// Opens `path` beneath `root` for reading if it is a regular file; nothing else is ever opened, so
/// no device is touched and no FIFO waits. Throws SysError, or Error{invalid_argument} for another
/// kind of file.
Fd open_regular_in_root(int root, const std::string& path);

}  // namespace brig::os
