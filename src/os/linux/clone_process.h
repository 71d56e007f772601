// clone3(2): a child in new namespaces and in its control group from its first instruction on.
#pragma once

#include <cstdint>

#include "os/process.h"

namespace brig::os {

struct CloneResult {
    pid_t pid;  ///< 0 in the child
    Fd pidfd;
};
/// `cgroup` is a version 2 control group's directory, or -1. The child is a copy of the calling
/// thread alone. Throws SysError.
CloneResult clone_process(std::uint64_t namespaces, int cgroup);

/// While it lives, children are born into the pid namespace `fd` refers to.
class ChildrenInPidNamespace {
public:
    explicit ChildrenInPidNamespace(int fd);
    ChildrenInPidNamespace(const ChildrenInPidNamespace&) = delete;
    ChildrenInPidNamespace& operator=(const ChildrenInPidNamespace&) = delete;
    ~ChildrenInPidNamespace();

private:
    Fd own_;
};

}  // namespace brig::os
