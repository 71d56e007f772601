// nmount(2) for fstab-style mounts.
#pragma once

#include <filesystem>
#include <string>

#include "base/mount_spec.h"

namespace brig::os {

/// A mount's options in this kernel's terms: flags, and name=value pairs for the file system.
/// Options that only Linux has are dropped. Throws SysError with the kernel's own words.
void mount_on(const brig::Mount& mount, const std::filesystem::path& target);

/// Unmounts everything at and beneath `root`, what was mounted last first. The last component of
/// `root` is not followed. Nothing mounted is fine.
void unmount_beneath(const std::filesystem::path& root);

/// Is a file, not a directory, to be made as the mount's place?
bool mounts_a_file(const brig::Mount& mount);

}  // namespace brig::os
