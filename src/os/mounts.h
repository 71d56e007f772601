// Mounting outside containers: snapshots that the engine or the builder looks into.
#pragma once

#include <filesystem>
#include <vector>

#include "base/fd.h"
#include "base/mount_spec.h"

namespace brig::os {

/// A directory tree made by mounts, open as a descriptor. On Linux the mount is attached nowhere,
/// so that nothing is left of it when the process dies; on FreeBSD it is mounted at `scratch` and
/// unmounted by the destructor.
class MountedTree {
public:
    /// `scratch` is an existing directory used where the kernel needs a place. One mount, or a
    /// bind of one directory. Throws SysError.
    static MountedTree mount(const std::vector<brig::Mount>& mounts,
                             const std::filesystem::path& scratch);
    MountedTree(MountedTree&& other) noexcept;
    MountedTree& operator=(MountedTree&&) = delete;
    ~MountedTree();
    /// Open for reading, a directory.
    [[nodiscard]] const Fd& root() const { return root_; }

private:
    MountedTree(Fd root, std::filesystem::path mounted_at)
        : root_(std::move(root)), mounted_at_(std::move(mounted_at)) {}
    Fd root_;
    std::filesystem::path mounted_at_;  ///< empty where attached nowhere
};

/// Mounts one at `target`, a directory or file on the host. Throws SysError.
void mount_at(const brig::Mount& mount, const std::filesystem::path& target);
/// Lazy and without following symbolic links; nothing mounted there is fine.
void unmount(const std::filesystem::path& target);

}  // namespace brig::os
