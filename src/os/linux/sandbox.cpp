// Sandboxes as sets of namespaces: the caller's side. The child's is in sandbox_child.cpp.
#include "os/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "base/defer.h"
#include "base/error.h"
#include "os/linux/clone_process.h"
#include "os/linux/limits_impl.h"
#include "os/linux/sandbox_child.h"

namespace brig::os {
namespace {

void write_id_map(pid_t pid, const char* file, const std::vector<IdMapping>& mappings) {
    if (mappings.empty()) return;
    std::string text;
    for (const IdMapping& map : mappings) {
        text += fmt::format("{} {} {}\n", map.container_id, map.host_id, map.size);
    }
    const std::string path = fmt::format("/proc/{}/{}", pid, file);
    const Fd fd = open_file(path, O_WRONLY);
    if (::write(fd.get(), text.data(), text.size()) < 0) throw SysError("write {}", path);
}

/// What the child cannot do for itself. It waits meanwhile.
void prepare_child(const CloneResult& child, const ChildReport& report, const Limits::Impl& limits,
                   const LinuxSettings* settings) {
    Defer end_child([&] {
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
    });
    limits.attach(child.pid);
    if (settings != nullptr) {
        write_id_map(child.pid, "uid_map", settings->uid_mappings);
        write_id_map(child.pid, "gid_map", settings->gid_mappings);
    }
    (void)report.receive();
    report.proceed();
    end_child.dismiss();
}

void check_mappings(const LinuxSettings& settings, const NamespacePlan& namespaces) {
    const bool mapped = !settings.uid_mappings.empty() || !settings.gid_mappings.empty();
    if (namespaces.has(CLONE_NEWUSER) == mapped) return;
    throw Error(ErrorKind::invalid_argument,
                "uidMappings and gidMappings go with a new user namespace");
}

}  // namespace

SandboxKind sandbox_kind() { return SandboxKind::namespaces; }

SandboxStart create_sandbox(const SandboxSpec& spec, Limits& limits, const SyscallFilter& filter,
                            StdioFds stdio, SandboxCallbacks callbacks) {
    const LinuxSettings& settings = spec.linux_settings;
    if (!settings.mount_label.empty()) {
        throw Error(ErrorKind::not_implemented, "mountLabel is not implemented");
    }
    const NamespacePlan namespaces = plan_namespaces(settings);
    check_mappings(settings, namespaces);
    ProcessSetup setup(spec.process, filter);
    const Limits::Impl& groups = limits.impl();
    const CgroupView view = groups.view();
    const bool user = (namespaces.create & CLONE_NEWUSER) != 0;
    auto ends = ChildReport::make();
    const ChildParts parts{spec.process, setup,      callbacks,
                           stdio,        ends.child, groups.needs_attach() || user};

    const Fd group = groups.open_v2();
    CloneResult child{};
    {
        std::optional<ChildrenInPidNamespace> guard;
        if (!namespaces.join_pid.empty()) {
            const Fd ns = open_file(namespaces.join_pid, O_RDONLY);
            guard.emplace(ns.get());
        }
        child = clone_process(namespaces.create, group ? group.get() : -1);
        if (child.pid == 0) run_new_sandbox(parts, spec, namespaces, view);
    }
    if (parts.wait_for_parent) prepare_child(child, ends.parent, groups, &settings);
    SandboxRef ref{spec.id, child.pid, 0, own_namespaces(settings)};
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
    const Fd group = groups.open_v2();
    auto ends = ChildReport::make();
    const ChildParts parts{process, setup, callbacks, stdio, ends.child, groups.needs_attach()};
    const std::uint64_t flags = namespace_flags(sandbox.detail);
    CloneResult child{};
    {
        std::optional<ChildrenInPidNamespace> guard;
        if ((flags & CLONE_NEWPID) != 0) guard.emplace(init.fd().get());
        child = clone_process(0, group ? group.get() : -1);
        if (child.pid == 0) {
            run_in_sandbox(parts, init.fd().get(),
                           flags & ~static_cast<std::uint64_t>(CLONE_NEWPID));
        }
    }
    if (parts.wait_for_parent) prepare_child(child, ends.parent, groups, nullptr);
    SandboxRef ref{sandbox.id, child.pid, 0, {}};
    return {std::move(ref), std::move(child.pidfd), std::move(ends.parent), std::move(callbacks)};
}

void destroy_sandbox(const SandboxRef&) {}

}  // namespace brig::os
