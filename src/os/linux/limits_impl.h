// What the sandbox needs of a container's control groups beyond Limits.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "os/limits.h"
#include "os/linux/cgroup_mount.h"
#include "os/linux/systemd_scope.h"

namespace brig::os {

struct Limits::Impl {
    std::string path;                   ///< below every mount point; empty: there is no group
    std::set<std::string> hierarchies;  ///< of version 1 that it is in
    /// By hierarchy, "" for version 2: the group beneath that processes enter, as "/sub".
    std::map<std::string, std::string> below;

    Keeper keeper = Keeper::kernel;
    std::optional<SystemdScope> scope;  ///< until the container's process is in it

    [[nodiscard]] std::string v2_directory() const;  ///< empty without version 2
    /// Where all processes are found.
    [[nodiscard]] std::string tracking_directory() const;
    /// For clone_process(); empty without version 2.
    [[nodiscard]] Fd open_v2() const;
    /// The group of version 2 that `process` is in, if that is another one.
    [[nodiscard]] static Fd open_v2_of(pid_t process);
    /// Moves the calling process, which has one thread only, into the groups of version 1. A thread
    /// that moves itself spares the kernel the grace period (5 to 10 ms for each hierarchy) that
    /// moving another process costs.
    void attach_self() const;
    [[nodiscard]] CgroupView view() const;
    /// Throws unless there is a group.
    void require(std::string_view what) const;
    void join(const std::set<std::string>& more);
    void make(const Resources& resources);
    [[nodiscard]] bool frozen() const;
    [[nodiscard]] bool remove_all() const;
};

}  // namespace brig::os
