// A container's view of files, built inside its new mount namespace: root, mounts, device nodes,
// masked and read-only paths, and the change of root that ends it.
#pragma once

#include <map>
#include <vector>

#include "base/fd.h"
#include "os/linux/cgroup_mount.h"
#include "os/linux/mount_plan.h"
#include "os/pty.h"
#include "os/sandbox_spec.h"

namespace brig::os {

class RootTree {
public:
    /// Cuts the namespace off from the host's and puts the root into place. Where the caller has
    /// `made` it as a mount, that is on top of everything: users of a namespace of their own may
    /// not be able to go where the root's place is.
    explicit RootTree(const SandboxSpec& spec, Fd made = {});

    /// All of spec.mounts, in order; some were made by the caller (by index).
    void mount_all(const CgroupView& cgroups, const std::map<std::size_t, Fd>& early);
    void make_devices();
    /// A terminal of the container's own devpts, its slave bound to /dev/console.
    Pty make_terminal();
    /// CVE-2025-52881: files of /proc are written through our own mount of it, never by path.
    void write_sysctls();
    void make_working_directory();
    void restrict_paths();
    /// pivot_root(2); afterwards the host's files are gone and the working directory is the root.
    void enter();

    [[nodiscard]] int root() const { return root_.get(); }

private:
    void mount_one(const brig::Mount& mount, const CgroupView& cgroups, Fd made = {});
    void mount_cgroups(const brig::Mount& mount, const CgroupView& cgroups);
    bool bind_host_cgroups(MountPlan plan);
    void attach_at(int mount, const std::string& target, bool directory);
    void label(MountPlan& plan) const;
    void inherit_mode(MountPlan& plan) const;
    void copy_up(int mount, const std::string& target);
    void mask(const std::string& path, int place);
    void make_node(const DeviceNode& node);
    void make_link(int directory, const char* name, const char* target);

    const SandboxSpec& spec_;
    Fd root_;
    Fd proc_;   ///< our mount of procfs, detached from any path the container controls
    Fd null_;   ///< the host's /dev/null, for masking
    Fd empty_;  ///< an attached, empty, read-only tmpfs to copy
    std::vector<Fd>
        lock_later_;  ///< what becomes read-only when all that is mounted in it is there
    bool dev_is_bound_ = false;
    bool user_namespace_ = false;
};

}  // namespace brig::os
