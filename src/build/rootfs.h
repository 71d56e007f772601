// The root file system a step works on: a snapshot opened as a directory, and the accounts in it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/mount_spec.h"
#include "os/mounts.h"

namespace brig::build {

/// A snapshot's tree while it lives. Nothing of it stays mounted when the process dies.
class Rootfs {
public:
    /// `scratch` as os::MountedTree has it. Throws SysError.
    Rootfs(const std::vector<Mount>& mounts, const std::filesystem::path& scratch);
    /// A directory.
    [[nodiscard]] int fd() const { return tree_ ? tree_->root().get() : directory_.get(); }

private:
    Fd directory_;
    std::optional<os::MountedTree> tree_;
};

struct Owner {
    uid_t uid = 0;
    gid_t gid = 0;
};

/// --chown's "user[:group]", by number or by the passwd and group files beneath `root`. Without a
/// group: the group of that name or number, else the user's own. Throws Error{invalid_argument}.
Owner resolve_owner(int root, const std::string& text);

}  // namespace brig::build
