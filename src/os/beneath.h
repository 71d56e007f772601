// Paths of untrusted trees (container roots, volumes, layers) resolved as a chroot would, by
// descriptor: ".." stops at the root, absolute links start at it, magic links are refused.
// Linux: openat2(RESOLVE_IN_ROOT). FreeBSD, and Linux without openat2: component by component
// with O_NOFOLLOW (and O_RESOLVE_BENEATH).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace brig::os {

/// open(2) of `path` inside the directory `root`. With O_NOFOLLOW a link at the end is not
/// followed (ELOOP, or the link itself with O_PATH). Throws SysError naming the path.
Fd open_in_root(int root, const std::string& path, int flags, mode_t mode = 0);

/// The directory that holds the last component of `path`, and that component's name ("." for the
/// root itself). The name has no slash and is never "..": *at() calls on it stay beneath the root
/// as long as they do not follow it.
std::pair<Fd, std::string> open_parent_in_root(int root, const std::string& path);

/// mkdir -p inside the root; returns the directory. Existing links are followed within the root.
Fd make_directories_in_root(int root, const std::string& path, mode_t mode = 0755);

/// The portable way, which the platform's implementation falls back to; tests run both.
Fd walk_in_root(int root, const std::string& path, int flags, mode_t mode = 0);

}  // namespace brig::os
