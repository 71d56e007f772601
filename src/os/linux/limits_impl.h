// What the sandbox needs of a container's control groups beyond Limits.
#pragma once

#include <set>
#include <string>

#include "base/fd.h"
#include "os/limits.h"
#include "os/linux/cgroup_mount.h"

namespace brig::os {

struct Limits::Impl {
    std::string path;                   ///< below every mount point
    std::set<std::string> hierarchies;  ///< of version 1 that it is in

    [[nodiscard]] std::string v2_directory() const;  ///< empty without version 2
    /// Where all processes are found.
    [[nodiscard]] std::string tracking_directory() const;
    /// For clone_process(); empty without version 2.
    [[nodiscard]] Fd open_v2() const;
    /// The caller has to move a new child here by attach().
    [[nodiscard]] bool needs_attach() const { return !hierarchies.empty(); }
    void attach(pid_t pid) const;
    [[nodiscard]] CgroupView view() const;
    void join(const std::set<std::string>& more);
    [[nodiscard]] bool remove_all() const;
};

}  // namespace brig::os
