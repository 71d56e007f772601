// The snapshotters that can work where the tests are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "os/sandbox.h"
#include "os/subvolume.h"
#include "os/zfs.h"

namespace brig::testing {

/// ZFS and btrfs where the temporary directory is on them: in the FreeBSD guest, and under
/// tests/contract/on_filesystem.sh.
inline std::vector<const char*> drivers() {
    std::vector<const char*> out{"copy"};
    const std::string directory = std::filesystem::temp_directory_path().string();
    if (os::sandbox_kind() == os::SandboxKind::namespaces) out.push_back("overlay");
    if (os::has_subvolumes(directory)) out.push_back("btrfs");
    try {
        os::zfs_dataset_of(directory);
        out.push_back("zfs");
    } catch (const Error&) {
        // Not on ZFS.
    }
    return out;
}

}  // namespace brig::testing
