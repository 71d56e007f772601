// nmount(2) for fstab-style mounts.
#pragma once

#include <filesystem>
#include <string>

#include "base/mount_spec.h"

namespace brig::os {

/// A mount's options in this kernel's terms: flags, and name=value pairs for the file system.
/// Options that only Linux has are dropped. Throws SysError with the kernel's own words.
void mount_on(const brig::Mount& mount, const std::filesystem::path& target);

/// Where a mount goes beneath the root that is open as `root`, made if missing: the path without
/// links. Nothing of the container may run yet, so that what is resolved now is still there when
/// the kernel resolves the path. Throws Error{permission_denied} for what leads out.
std::filesystem::path mount_place(int root, const std::filesystem::path& root_path,
                                  const brig::Mount& mount);

/// Unmounts everything at and beneath `root`, what was mounted last first. The last component of
/// `root` is not followed. Nothing mounted is fine.
void unmount_beneath(const std::filesystem::path& root);

/// Is a file, not a directory, to be made as the mount's place?
bool mounts_a_file(const brig::Mount& mount);

}  // namespace brig::os
