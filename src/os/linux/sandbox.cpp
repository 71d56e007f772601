// Sandboxes as sets of namespaces: the caller's side. The child's is in sandbox_child.cpp.
#include "os/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/linux/clone_process.h"
#include "os/linux/early_mounts.h"
#include "os/linux/id_maps.h"
#include "os/linux/labels.h"
#include "os/linux/limits_impl.h"
#include "os/linux/sandbox_child.h"

namespace brig::os {
namespace {

/// Until the child is what the container's process will be, it must not outlive a failure.
template <typename Steps>
void guarding(CloneResult& child, Steps steps) {
    Defer end_child([&] {
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
    });
    steps();
    end_child.dismiss();
}

/// The child that went first has left its place to another one.
void await_successor(CloneResult& child, const ChildReport& report) {
    guarding(child, [&] {
        auto message = report.receive();
        if (message.kind != ChildReport::Message::Kind::successor)
            throw Error(ErrorKind::internal, "the container's process died at once");
        ::waitpid(child.pid, nullptr, 0);
        child.pid = pid_of(message.descriptor.get());
        child.pidfd = std::move(message.descriptor);
    });
}

/// What the child cannot do for itself. It waits meanwhile.
void prepare_child(CloneResult& child, const ChildReport& report, const SandboxSpec& spec,
                   StdioFds stdio) {
    const LinuxSettings& settings = spec.linux_settings;
    guarding(child, [&] {
        (void)report.receive();
        write_id_maps(child.pid, settings.uid_mappings, settings.gid_mappings);
        give_stdio(stdio, child.pid, spec.process.user.uid);
        report.proceed();
    });
}

void check_mappings(const LinuxSettings& settings, const NamespacePlan& namespaces) {
    const bool mapped = !settings.uid_mappings.empty() || !settings.gid_mappings.empty();
    if (namespaces.has_new_user() == mapped || !namespaces.join_user.empty()) return;
    throw Error(ErrorKind::invalid_argument,
                "uidMappings and gidMappings go with a new user namespace");
}

/// What the first process was given is every further one's too.
std::string personality_of(pid_t pid) {
    try {
        const std::string text = read_file(fmt::format("/proc/{}/personality", pid));
        return trim(text) == fmt::format("{:08x}", PER_LINUX32) ? "LINUX32" : "";
    } catch (const SysError&) {
        return {};  // not for an ordinary user, when that process has changed its own
    }
}

/// A group that has shared controllers out to groups beneath holds no processes, and a container
/// may have moved its processes and removed its group: then it is the first process's group.
CloneResult clone_into_group(const Limits::Impl& groups, pid_t first) {
    try {
        const Fd group = groups.open_v2();
        return clone_process(0, group ? group.get() : -1);
    } catch (const SysError& e) {
        const bool elsewhere = e.error_number() == EBUSY || e.error_number() == ENOENT;
        if (!elsewhere || !groups.below.empty()) throw;
    }
    const Fd group = Limits::Impl::open_v2_of(first);
    return clone_process(0, group.get());
}

}  // namespace

SandboxKind sandbox_kind() { return SandboxKind::namespaces; }

SandboxRef planned_sandbox(const SandboxSpec& spec) {
    return {spec.id, 0, 0, own_namespaces(spec.linux_settings)};
}

SandboxStart create_sandbox(const SandboxSpec& spec, Limits& limits, const SyscallFilter& filter,
                            StdioFds stdio, SandboxCallbacks callbacks) {
    const LinuxSettings& settings = spec.linux_settings;
    check_mount_label(settings.mount_label);
    const NamespacePlan namespaces = plan_namespaces(settings);
    check_mappings(settings, namespaces);
    ProcessSetup setup(spec.process, filter);
    const Limits::Impl& groups = limits.impl();
    const CgroupView view = groups.view();
    auto ends = ChildReport::make();
    const ChildParts parts{spec.process, setup,  callbacks,       stdio,
                           ends.child,   groups, ::geteuid() != 0};
    const auto early = make_early_mounts(spec);
    const NetDevices net_devices(settings.net_devices);
    if (!net_devices.empty() && !namespaces.has(CLONE_NEWNET)) {
        throw Error(ErrorKind::invalid_argument, "linux.netDevices: needs a network namespace");
    }

    const Fd group = groups.open_v2();
    CloneResult child{};
    {
        std::optional<ChildrenInPidNamespace> guard;
        if (!namespaces.join_pid.empty()) {
            const Fd ns = open_file(namespaces.join_pid, O_RDONLY);
            guard.emplace(ns.get());
        }
        const auto flags = namespaces.in_two_steps() ? 0 : namespaces.create;
        child = clone_process(flags, group ? group.get() : -1);
        if (child.pid == 0) run_new_sandbox(parts, {spec, namespaces, view, early, net_devices});
    }
    if (namespaces.in_two_steps()) await_successor(child, ends.parent);
    if (namespaces.has_new_user()) prepare_child(child, ends.parent, spec, stdio);
    if (!namespaces.join_user.empty())
        guarding(child, [&] { give_stdio(stdio, child.pid, spec.process.user.uid); });
    guarding(child, [&] { net_devices.give(ends.parent, child.pid); });
    SandboxRef ref = planned_sandbox(spec);
    ref.pid = child.pid;
    ref.start_time = process_start_time(child.pid).value_or(0);
    return {std::move(ref), std::move(child.pidfd), std::move(ends.parent), std::move(callbacks)};
}

SandboxStart enter_sandbox(const SandboxRef& sandbox, const ProcessSpec& process, Limits& limits,
                           const SyscallFilter& filter, StdioFds stdio,
                           SandboxCallbacks callbacks) {
    ProcessSetup setup(process, filter);
    const Process init = Process::open(sandbox.pid);
    // The pid may have been reused before it was opened, not after.
    if (process_start_time(sandbox.pid) != sandbox.start_time) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not running", sandbox.id);
    }
    const Limits::Impl& groups = limits.impl();
    auto ends = ChildReport::make();
    ChildParts parts{process, setup, callbacks, stdio, ends.child, groups};
    parts.personality = personality_of(sandbox.pid);
    const std::uint64_t flags = namespace_flags(sandbox.detail);
    const bool two_steps = (flags & CLONE_NEWUSER) != 0;
    if (two_steps) give_stdio(stdio, sandbox.pid, process.user.uid);
    CloneResult child{};
    {
        std::optional<ChildrenInPidNamespace> guard;
        if (!two_steps && (flags & CLONE_NEWPID) != 0) guard.emplace(init.fd().get());
        child = clone_into_group(groups, sandbox.pid);
        if (child.pid == 0) run_in_sandbox(parts, init.fd().get(), flags);
    }
    if (two_steps) await_successor(child, ends.parent);
    SandboxRef ref{sandbox.id, child.pid, 0, {}};
    return {std::move(ref), std::move(child.pidfd), std::move(ends.parent), std::move(callbacks)};
}

void destroy_sandbox(const SandboxRef&) {}

}  // namespace brig::os
