// Places inside a container's root to mount on: opened beneath the root by descriptor, created
// where they are missing.
#pragma once

#include <string>

#include "base/fd.h"

namespace brig::os {

enum class Links { inside_root, refused };

/// CVE-2019-19921, CVE-2023-28642, CVE-2026-41579: /proc, /sys and /dev never through links of the
/// image.
Links links_allowed(const std::string& target, const std::string& type);

/// Opens as a place (O_PATH). Empty, with errno, when it is not there: missing paths are common
/// here, and an exception costs as much as ten system calls.
Fd try_open_place(int root, const std::string& path, Links links);

/// The place to mount `target` on, a directory or a file, created when it is not there.
Fd mount_point(int root, const std::string& target, bool directory, Links links);

std::string parent_of(const std::string& path);

}  // namespace brig::os
