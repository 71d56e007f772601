// clone3(2): a child in new namespaces and in its control group from its first instruction on.
#pragma once

#include <cstdint>

#include "os/child_report.h"
#include "os/process.h"

namespace brig::os {

struct CloneResult {
    pid_t pid;  ///< 0 in the child
    Fd pidfd;
};
/// `cgroup` is a version 2 control group's directory, or -1. The child is a copy of the calling
/// thread alone. Throws SysError.
CloneResult clone_process(std::uint64_t namespaces, int cgroup);

/// Makes the rest of the caller's work that of a new process, a child of the caller's parent, born
/// into the namespaces the caller has entered. Returns in it, with its number as the caller sees
/// it; the caller has told the report about its successor and is gone. What it is for: a process
/// may not change its own pid namespace, and a user namespace has to be entered before those that
/// belong to it are made.
pid_t continue_in_sibling(std::uint64_t namespaces, const ChildReport& report);

/// The number of the process that a descriptor stands for.
pid_t pid_of(int pidfd);

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
