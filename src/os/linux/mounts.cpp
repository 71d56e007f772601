// Mounts outside containers; see mounts.h.
#include "os/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>

#include "base/error.h"
#include "os/linux/mount_calls.h"

namespace brig::os {

MountedTree MountedTree::mount(const std::vector<brig::Mount>& mounts,
                               const std::filesystem::path& scratch) {
    if (mounts.size() != 1) {
        throw Error(ErrorKind::invalid_argument, "want one mount, got {}", mounts.size());
    }
    const Fd tree = make_planned(plan_mount(mounts.front()), scratch.string());
    // The mount's own descriptor only names a place (O_PATH). The mount lives as long as something
    // is open in it.
    return {open_at(tree.get(), ".", O_RDONLY | O_DIRECTORY), {}};
}

MountedTree::MountedTree(MountedTree&& other) noexcept = default;

MountedTree::~MountedTree() = default;

void mount_at(const brig::Mount& mount, const std::filesystem::path& target) {
    const MountPlan plan = plan_mount(mount);
    const Fd place = open_file(target.string(), O_PATH);
    const Fd made = make_planned(plan, target.string());
    attach_mount(made.get(), place.get(), target.string());
    set_propagation(made.get(), plan.propagation);
}

void unmount(const std::filesystem::path& target) {
    if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) return;
    if (errno == EINVAL || errno == ENOENT) return;
    throw SysError("unmount {}", target.string());
}

}  // namespace brig::os
