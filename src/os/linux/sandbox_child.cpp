// See sandbox_child.h.
#include "os/linux/sandbox_child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"
#include "os/child_stdio.h"
#include "os/linux/clone_process.h"
#include "os/linux/container_pty.h"
#include "os/linux/limits_impl.h"
#include "os/linux/root_tree.h"
#include "os/linux/scheduling.h"
#include "os/terminal.h"

namespace brig::os {
namespace {

std::vector<int> needed(const ChildParts& parts, const EarlyMounts& mounts, int sandbox = -1) {
    std::vector<int> keep{parts.report.fd(), sandbox, parts.callbacks.filter_listener,
                          mounts.root.get()};
    if (!parts.process.terminal) {
        for (const int fd : {parts.stdio.in, parts.stdio.out, parts.stdio.err}) keep.push_back(fd);
    }
    for (const auto& [index, mount] : mounts.more) keep.push_back(mount.get());
    keep.insert(keep.end(), parts.callbacks.keep.begin(), parts.callbacks.keep.end());
    return keep;
}

void join_namespaces(const NamespacePlan& plan) {
    for (const auto& [flag, path] : plan.join) {
        const Fd ns = open_file(path, O_RDONLY);
        if (::setns(ns.get(), flag) != 0) throw SysError("join namespace {}", path);
    }
}

/// The caller writes them. Where it is an ordinary user, /proc/PID must be the user's meanwhile;
/// there is nobody else in the new user namespace yet who could make use of that.
void await_id_maps(const ChildParts& parts) {
    if (parts.ordinary_caller) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    parts.report.rendezvous();
    if (parts.ordinary_caller && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        throw SysError("forbid tracing");
}

/// A user namespace's root is who makes the rest.
void become_mapped_root() {
    if (::setgroups(0, nullptr) != 0 && errno != EPERM) throw SysError("drop groups");
    if (::setresgid(0, 0, 0) != 0) throw SysError("become group 0 of the user namespace");
    if (::setresuid(0, 0, 0) != 0) throw SysError("become user 0 of the user namespace");
}

void join_user_namespace(const std::string& path) {
    if (path.empty()) return;
    const Fd ns = open_file(path, O_RDONLY);
    if (::setns(ns.get(), CLONE_NEWUSER) != 0) throw SysError("join namespace {}", path);
    become_mapped_root();
}

/// As the host's procfs shows it, which must still be there.
pid_t own_pid_on_host() {
    std::array<char, 16> text{};
    const ssize_t n = ::readlink("/proc/self", text.data(), text.size());
    return n > 0 ? parse_int<pid_t>({text.data(), static_cast<std::size_t>(n)}).value_or(0) : 0;
}

void raise_loopback() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return;  // a kernel without IPv4
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0)
        throw SysError("raise the loopback interface");
}

void set_names(const SandboxSpec& spec, const NamespacePlan& namespaces) {
    if (spec.hostname.empty() && spec.domainname.empty()) return;
    if (!namespaces.has(CLONE_NEWUTS)) {
        throw Error(ErrorKind::invalid_argument, "hostname: needs a uts namespace");
    }
    if (!spec.hostname.empty() && ::sethostname(spec.hostname.data(), spec.hostname.size()) != 0) {
        throw SysError("set hostname {}", spec.hostname);
    }
    if (!spec.domainname.empty() &&
        ::setdomainname(spec.domainname.data(), spec.domainname.size()) != 0) {
        throw SysError("set domainname {}", spec.domainname);
    }
}

/// The host's session keys are no business of the container's.
void take_new_keyring(const SandboxCallbacks& callbacks) {
    if (callbacks.new_keyring) ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "brig");
}

void take_terminal(const ChildParts& parts, const Fd slave) {
    if (parts.callbacks.plain_newlines) make_newlines_plain(slave.get());
    os::take_terminal(slave.get(), parts.process.console_size);
}

/// The container's files. Nothing of the host's is left open.
Pty enter_new_root(const ChildParts& parts, const NewSandbox& sandbox) {
    const EarlyMounts& early = sandbox.early;
    RootTree tree(sandbox.spec, early.root ? early.root.duplicate() : Fd());
    tree.mount_all(sandbox.cgroups, early.more);
    if (early.root) ::close(early.root.get());
    for (const auto& [index, mount] : early.more) ::close(mount.get());
    tree.make_devices();
    Pty terminal;
    if (parts.process.terminal) terminal = tree.make_terminal();
    if (parts.callbacks.created) parts.report.rendezvous();
    if (parts.callbacks.inside) {
        // Hooks of runc's find the container's files by relative paths.
        if (::fchdir(tree.root()) != 0) throw SysError("enter the root");
        parts.callbacks.inside();
    }
    tree.write_sysctls();
    tree.make_working_directory();
    tree.restrict_paths();
    tree.enter();
    return terminal;
}

/// The end of both sequences. `console` is the terminal's master to hand over, or -1.
[[noreturn]] void finish(const ChildParts& parts, Fd console, pid_t host_pid) {
    parts.setup.enter_working_directory();
    parts.setup.change_identity();
    parts.setup.find_program();
    const auto ready = [&] {
        parts.report.ready(console.get());
        console.reset();
    };
    if (console && !parts.callbacks.await_start) ready();
    const auto go = [&] {
        parts.setup.lock_down(parts.callbacks, host_pid);
        // Programs of the container's: they get no more rights than its own.
        if (parts.callbacks.before_start) parts.callbacks.before_start(parts.setup.environment());
        parts.setup.execute(parts.callbacks.preserve_fds);
    };
    if (!parts.callbacks.await_start) go();
    const Fd connection = parts.callbacks.await_start(ready);
    try {
        go();
    } catch (const Error& e) {
        send_error(connection.get(), e);
    }
    ::_exit(1);
}

template <typename Steps>
[[noreturn]] void guarded(const ChildParts& parts, Steps steps) {
    try {
        steps();
    } catch (const Error& e) {
        parts.report.fail(e);
    } catch (const std::exception& e) {
        parts.report.fail(Error(ErrorKind::internal, e.what()));
    }
    ::_exit(1);
}

}  // namespace

void run_new_sandbox(const ChildParts& parts, const NewSandbox& sandbox) {
    guarded(parts, [&] {
        const NamespacePlan& namespaces = sandbox.namespaces;
        ProcessSetup::detach_from_parent();
        ProcessSetup::close_inherited(needed(parts, sandbox.early), parts.callbacks.preserve_fds);
        parts.groups.attach_self();
        Scheduling::use_all_processors();
        parts.setup.apply_scores_and_limits();
        if (namespaces.in_two_steps()) {
            join_user_namespace(namespaces.join_user);
            join_namespaces(namespaces);
            continue_in_sibling(namespaces.create, parts.report);
        }
        if (namespaces.has_new_user()) await_id_maps(parts);
        if (!namespaces.in_two_steps()) join_namespaces(namespaces);
        if (namespaces.has(CLONE_NEWUSER)) become_mapped_root();
        if (namespaces.new_cgroup && ::unshare(CLONE_NEWCGROUP) != 0)
            throw SysError("make a cgroup namespace");
        if (namespaces.new_time)
            enter_new_time_namespace(sandbox.spec.linux_settings.time_offsets,
                                     namespaces.has_new_user());
        if ((namespaces.create & CLONE_NEWNET) != 0) raise_loopback();
        sandbox.net_devices.take(parts.report);
        take_new_keyring(parts.callbacks);
        if (!parts.process.terminal) take_stdio(parts.stdio, parts.callbacks.preserve_fds);
        parts.setup.open_labels();
        const pid_t host_pid = parts.callbacks.filter_listener >= 0 ? own_pid_on_host() : 0;
        Pty terminal = enter_new_root(parts, sandbox);
        set_names(sandbox.spec, namespaces);
        set_personality(sandbox.spec.linux_settings.personality);
        if (parts.process.terminal) {
            take_terminal(parts, std::move(terminal.slave));
        }
        finish(parts, std::move(terminal.master), host_pid);
    });
}

void run_in_sandbox(const ChildParts& parts, int sandbox, std::uint64_t flags) {
    guarded(parts, [&] {
        ProcessSetup::detach_from_parent();
        ProcessSetup::close_inherited(needed(parts, {}, sandbox), parts.callbacks.preserve_fds);
        parts.setup.use_initial_processors();
        parts.groups.attach_self();
        parts.setup.use_final_processors();
        parts.setup.apply_scores_and_limits();
        if (!parts.process.terminal) take_stdio(parts.stdio, parts.callbacks.preserve_fds);
        pid_t host_pid = parts.callbacks.filter_listener >= 0 ? own_pid_on_host() : 0;
        const bool two_steps = (flags & CLONE_NEWUSER) != 0;
        // Without a user namespace the caller has seen to the pid namespace.
        if (!two_steps) flags &= ~static_cast<std::uint64_t>(CLONE_NEWPID);
        if (!two_steps) parts.setup.open_labels();
        if (::setns(sandbox, static_cast<int>(flags)) != 0)
            throw SysError("enter the container's namespaces");
        ::close(sandbox);
        if (two_steps) {
            become_mapped_root();
            host_pid = continue_in_sibling(0, parts.report);
            parts.setup.open_labels();
        }
        take_new_keyring(parts.callbacks);
        if (::chdir("/") != 0) throw SysError("enter the container's root");
        set_personality(parts.personality);
        Pty terminal;
        if (parts.process.terminal) {
            terminal = open_container_pty(AT_FDCWD);
            take_terminal(parts, std::move(terminal.slave));
        }
        finish(parts, std::move(terminal.master), host_pid);
    });
}

}  // namespace brig::os
