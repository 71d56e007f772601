// Mounts outside containers. A directory of the host needs no mount to be looked at; anything else
// is mounted at the place given, since this kernel has no detached mounts.
#include "os/mounts.h"

#include <fcntl.h>
#include <sys/param.h>
#include <sys/mount.h>

#include <cerrno>

#include "base/error.h"
#include "base/log.h"
#include "os/freebsd/mount_call.h"

namespace brig::os {

MountedTree MountedTree::mount(const std::vector<brig::Mount>& mounts,
                               const std::filesystem::path& scratch) {
    if (mounts.size() != 1)
        throw Error(ErrorKind::invalid_argument, "want one mount, got {}", mounts.size());
    const auto& only = mounts.front();
    if (only.type == "bind" || only.type == "nullfs")
        return {open_file(only.source, O_RDONLY | O_DIRECTORY), {}};
    mount_on(only, scratch);
    try {
        return {open_file(scratch.string(), O_RDONLY | O_DIRECTORY), scratch};
    } catch (...) {
        ::unmount(scratch.c_str(), MNT_FORCE);
        throw;
    }
}

MountedTree::MountedTree(MountedTree&& other) noexcept
    : root_(std::move(other.root_)), mounted_at_(std::exchange(other.mounted_at_, {})) {}

MountedTree::~MountedTree() {
    root_.reset();
    if (!mounted_at_.empty() && ::unmount(mounted_at_.c_str(), MNT_FORCE) != 0) {
        log::warn("{} stays mounted (error {})", mounted_at_.string(), errno);
    }
}

void mount_at(const brig::Mount& mount, const std::filesystem::path& target) {
    mount_on(mount, target);
}

void unmount(const std::filesystem::path& target) {
    if (::unmount(target.c_str(), MNT_FORCE) == 0 || errno == EINVAL || errno == ENOENT) return;
    throw SysError("unmount {}", target.string());
}

}  // namespace brig::os
