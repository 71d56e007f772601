// See sandbox_child.h.
#include "os/linux/sandbox_child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "os/linux/container_pty.h"
#include "os/linux/root_tree.h"

namespace brig::os {
namespace {

std::vector<int> needed(const ChildParts& parts, std::initializer_list<int> more) {
    std::vector<int> keep(more);
    keep.push_back(parts.report.fd());
    for (const int fd : {parts.stdio.in, parts.stdio.out, parts.stdio.err}) keep.push_back(fd);
    keep.insert(keep.end(), parts.callbacks.keep.begin(), parts.callbacks.keep.end());
    return keep;
}

void join_namespaces(const NamespacePlan& plan) {
    for (const auto& [flag, path] : plan.join) {
        const Fd ns = open_file(path, O_RDONLY);
        if (::setns(ns.get(), flag) != 0) throw SysError("join namespace {}", path);
    }
}

/// A user namespace's root is who makes the rest.
void become_mapped_root() {
    if (::setgroups(0, nullptr) != 0 && errno != EPERM) throw SysError("drop groups");
    if (::setresgid(0, 0, 0) != 0) throw SysError("become group 0 of the user namespace");
    if (::setresuid(0, 0, 0) != 0) throw SysError("become user 0 of the user namespace");
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
void take_new_keyring() { ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "brig"); }

/// The end of both sequences. `console` is the terminal's master to hand over, or -1.
[[noreturn]] void finish(const ChildParts& parts, Fd console) {
    parts.setup.enter_working_directory();
    parts.setup.change_identity();
    parts.setup.find_program();
    if (console || parts.callbacks.await_start) parts.report.ready(console.get());
    console.reset();
    const auto go = [&] {
        if (parts.callbacks.before_start) parts.callbacks.before_start();
        parts.setup.lock_down();
        parts.setup.execute(parts.callbacks.preserve_fds);
    };
    if (!parts.callbacks.await_start) go();
    const Fd connection = parts.callbacks.await_start();
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

void run_new_sandbox(const ChildParts& parts, const SandboxSpec& spec,
                     const NamespacePlan& namespaces, const CgroupView& cgroups) {
    guarded(parts, [&] {
        ProcessSetup::detach_from_parent();
        ProcessSetup::close_inherited(needed(parts, {}), parts.callbacks.preserve_fds);
        if (parts.wait_for_parent) parts.report.rendezvous();
        parts.setup.apply_scores_and_limits();
        join_namespaces(namespaces);
        if (namespaces.has(CLONE_NEWUSER)) become_mapped_root();
        if (namespaces.new_cgroup && ::unshare(CLONE_NEWCGROUP) != 0)
            throw SysError("make a cgroup namespace");
        if ((namespaces.create & CLONE_NEWNET) != 0) raise_loopback();
        take_new_keyring();
        if (!parts.process.terminal) ProcessSetup::take_stdio(parts.stdio);

        RootTree tree(spec);
        tree.mount_all(cgroups);
        tree.make_devices();
        Pty terminal;
        if (parts.process.terminal) terminal = tree.make_terminal();
        if (parts.callbacks.created) parts.report.rendezvous();
        if (parts.callbacks.inside) parts.callbacks.inside();
        tree.write_sysctls();
        tree.make_working_directory();
        tree.restrict_paths();
        tree.enter();
        set_names(spec, namespaces);
        if (parts.process.terminal) {
            ProcessSetup::take_terminal(terminal.slave.get(), parts.process.console_size);
            terminal.slave.reset();
        }
        finish(parts, std::move(terminal.master));
    });
}

void run_in_sandbox(const ChildParts& parts, int sandbox, std::uint64_t flags) {
    guarded(parts, [&] {
        ProcessSetup::detach_from_parent();
        ProcessSetup::close_inherited(needed(parts, {sandbox}), parts.callbacks.preserve_fds);
        if (parts.wait_for_parent) parts.report.rendezvous();
        parts.setup.apply_scores_and_limits();
        if (!parts.process.terminal) ProcessSetup::take_stdio(parts.stdio);
        if (::setns(sandbox, static_cast<int>(flags)) != 0)
            throw SysError("enter the container's namespaces");
        ::close(sandbox);
        if ((flags & CLONE_NEWUSER) != 0) become_mapped_root();
        take_new_keyring();
        if (::chdir("/") != 0) throw SysError("enter the container's root");
        Pty terminal;
        if (parts.process.terminal) {
            terminal = open_container_pty(AT_FDCWD);
            ProcessSetup::take_terminal(terminal.slave.get(), parts.process.console_size);
            terminal.slave.reset();
        }
        finish(parts, std::move(terminal.master));
    });
}

}  // namespace brig::os
