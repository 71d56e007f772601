// The root of a running container as seen from outside.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/fd.h"

namespace brig::os {

/// A directory descriptor. Linux: by way of the process, whose mount namespace is the only place
/// the root is mounted in. FreeBSD: where the host has it mounted. What is beneath is hostile: use
/// it with open_in_root() only. Throws SysError.
Fd open_container_root(pid_t process, const std::filesystem::path& mounted_at);

}  // namespace brig::os
