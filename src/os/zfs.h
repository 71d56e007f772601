// ZFS through its own program, zfs(8): libzfs is no stable interface, and libzfs_core neither
// mounts nor sets properties. The same on both kernels.
#pragma once

#include <string>
#include <vector>

namespace brig::os {

/// Runs `zfs ARGUMENTS…` and returns what it printed. Throws Error with zfs' own words, or
/// {not_implemented} where the program is not installed.
std::string run_zfs(const std::vector<std::string>& arguments);

/// The dataset that `path` lies on. Throws Error{failed_precondition} when that is not ZFS.
std::string zfs_dataset_of(const std::string& path);

}  // namespace brig::os
