// The child's side of making and entering a sandbox: the isolation sequence as a table of contents.
#pragma once

#include <string>

#include "os/linux/cgroup_mount.h"
#include "os/linux/early_mounts.h"
#include "os/linux/namespaces.h"
#include "os/linux/net_devices.h"
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
    const Limits::Impl& groups;
    bool ordinary_caller = false;  ///< not root: it may not write to a process that forbids tracing
    std::string personality = {};  ///< of a process that enters
};

/// What the first process of a sandbox is told besides.
struct NewSandbox {
    const SandboxSpec& spec;
    const NamespacePlan& namespaces;
    const CgroupView& cgroups;
    const EarlyMounts& early;  ///< made by the caller
    const NetDevices& net_devices;
};

/// Never returns; failures go to the report.
[[noreturn]] void run_new_sandbox(const ChildParts& parts, const NewSandbox& sandbox);
/// `sandbox` is a pidfd, `flags` the namespaces to join.
[[noreturn]] void run_in_sandbox(const ChildParts& parts, int sandbox, std::uint64_t flags);

}  // namespace brig::os
