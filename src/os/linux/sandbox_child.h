// The child's side of making and entering a sandbox: the isolation sequence as a table of contents.
#pragma once

#include "os/linux/cgroup_mount.h"
#include "os/linux/namespaces.h"
#include "os/linux/process_setup.h"
#include "os/sandbox.h"

namespace brig::os {

/// What both kinds of child know. All by reference into the parent's copied memory.
struct ChildParts {
    const ProcessSpec& process;
    ProcessSetup& setup;
    const SandboxCallbacks& callbacks;
    StdioFds stdio;
    const ChildReport& report;
    bool wait_for_parent = false;
};

/// Never returns; failures go to the report.
[[noreturn]] void run_new_sandbox(const ChildParts& parts, const SandboxSpec& spec,
                                  const NamespacePlan& namespaces, const CgroupView& cgroups);
/// `sandbox` is a pidfd, `flags` the namespaces to join.
[[noreturn]] void run_in_sandbox(const ChildParts& parts, int sandbox, std::uint64_t flags);

}  // namespace brig::os
