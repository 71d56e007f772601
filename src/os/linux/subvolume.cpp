// Subvolumes by the ioctls of linux/btrfs.h.
#include "os/subvolume.h"

#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>

#include "base/error.h"

namespace brig::os {
namespace {

template <typename Arguments>
void set_name(Arguments& arguments, const std::string& name) {
    if (name.size() >= sizeof arguments.name) throw SysError(ENAMETOOLONG, "subvolume " + name);
    name.copy(arguments.name, name.size());
}

}  // namespace

bool has_subvolumes(const std::string& directory) {
    struct statfs info {};
    if (::statfs(directory.c_str(), &info) != 0) throw SysError("look at {}", directory);
    return info.f_type == BTRFS_SUPER_MAGIC;
}

void make_subvolume(int directory, const std::string& name) {
    btrfs_ioctl_vol_args arguments{};
    set_name(arguments, name);
    if (::ioctl(directory, BTRFS_IOC_SUBVOL_CREATE, &arguments) != 0 ||
        ::fchmodat(directory, name.c_str(), 0755, 0) != 0) {
        throw SysError("create subvolume {}", name);
    }
}

void copy_subvolume(int source, int directory, const std::string& name) {
    btrfs_ioctl_vol_args_v2 arguments{};
    set_name(arguments, name);
    arguments.fd = source;
    if (::ioctl(directory, BTRFS_IOC_SNAP_CREATE_V2, &arguments) != 0) {
        throw SysError("copy a subvolume to {}", name);
    }
}

void limit_subvolume(int subvolume, std::uint64_t bytes) {
    btrfs_ioctl_quota_ctl_args accounting{};
    accounting.cmd = BTRFS_QUOTA_CTL_ENABLE;
    if (::ioctl(subvolume, BTRFS_IOC_QUOTA_CTL, &accounting) != 0)
        throw SysError("turn on the accounting of subvolumes");
    btrfs_ioctl_qgroup_limit_args arguments{};  // group 0: the subvolume's own
    arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_EXCL;
    arguments.lim.max_excl = bytes;
    if (::ioctl(subvolume, BTRFS_IOC_QGROUP_LIMIT, &arguments) != 0)
        throw SysError("limit a subvolume to {} bytes", bytes);
}

void remove_subvolume(int directory, const std::string& name) {
    btrfs_ioctl_vol_args arguments{};
    set_name(arguments, name);
    if (::ioctl(directory, BTRFS_IOC_SNAP_DESTROY, &arguments) != 0) {
        throw SysError("remove subvolume {}", name);
    }
}

}  // namespace brig::os
