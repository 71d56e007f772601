// Sandboxes as jails: mounts and the jail are made by the caller (there is no mount namespace to
// make them in), the process enters the jail last. What create_sandbox() makes outlives the
// process; destroy_sandbox() undoes it.
#include "os/sandbox.h"

#include <fcntl.h>
#include <sys/param.h>
#include <sys/jail.h>
#include <sys/procdesc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/beneath.h"
#include "os/child_stdio.h"
#include "os/freebsd/alias_addresses.h"
#include "os/freebsd/interface_requests.h"
#include "os/freebsd/jail.h"
#include "os/freebsd/limits_impl.h"
#include "os/freebsd/linux_emulation.h"
#include "os/freebsd/mount_call.h"
#include "os/freebsd/process_setup.h"
#include "os/process.h"
#include "os/pty.h"
#include "os/terminal.h"

namespace brig::os {
namespace {

brig::Mount with_ruleset(brig::Mount mount, unsigned ruleset) {
    std::erase_if(mount.options,
                  [](const std::string& option) { return option.starts_with("ruleset"); });
    mount.options.push_back("ruleset=" + std::to_string(ruleset));
    return mount;
}

void mount_all(const SandboxSpec& spec, const std::filesystem::path& root_path, int jail) {
    const Fd root = open_file(root_path.string(), O_RDONLY | O_DIRECTORY);
    const unsigned ruleset = make_device_ruleset(jail, spec.jail_settings.devices);
    for (const auto& mount : spec.mounts) {
        if (!mount.uid_mappings.empty() || !mount.gid_mappings.empty()) {
            throw Error(ErrorKind::not_implemented,
                        "mount {}: uidMappings and gidMappings have no counterpart on FreeBSD",
                        mount.target);
        }
        const auto place = mount_place(root.get(), root_path, mount);
        mount_on(mount.type == "devfs" ? with_ruleset(mount, ruleset) : mount, place);
    }
}

/// Where a read-only view of a root that is nobody's mount goes: this kernel has no mount namespace
/// to hide it in, and nullfs does not go over its own source.
std::string readonly_view(const std::string& root) { return root + ".readonly"; }

/// Places to mount on can only be made while the root is writable; nullfs cannot be changed later.
void make_mount_places(const SandboxSpec& spec, const std::string& root_path) {
    const Fd root = open_file(root_path, O_RDONLY | O_DIRECTORY);
    for (const auto& mount : spec.mounts) mount_place(root.get(), root_path, mount);
}

/// Mounts the root; returns where the jail's root is.
std::string mount_root(const SandboxSpec& spec, const std::string& root_path) {
    for (const auto& mount : spec.root_mounts) mount_on(mount, root_path);
    if (!spec.root_readonly) return root_path;
    make_mount_places(spec, root_path);
    if (spec.root_mounts.empty()) {
        const auto view = readonly_view(root_path);
        std::filesystem::create_directory(view);
        mount_on({"nullfs", root_path, view, {"ro"}}, view);
        return view;
    }
    unmount_beneath(root_path);
    for (auto mount : spec.root_mounts) {
        mount.options.emplace_back("ro");
        mount_on(mount, root_path);
    }
    return root_path;
}

/// The limits are rctl's, and paths of control groups are harmless; the rest has no counterpart.
void refuse_linux_settings(const LinuxSettings& settings) {
    const auto refuse = [](bool wanted, std::string_view name) {
        if (!wanted) return;
        throw Error(ErrorKind::not_implemented, "linux.{} has no counterpart on FreeBSD", name);
    };
    refuse(!settings.namespaces.empty(), "namespaces");
    refuse(!settings.uid_mappings.empty(), "uidMappings");
    refuse(!settings.gid_mappings.empty(), "gidMappings");
    refuse(!settings.sysctl.empty(), "sysctl");
    refuse(!settings.devices.empty(), "devices");
    refuse(settings.seccomp.has_value(), "seccomp");
    refuse(!settings.rootfs_propagation.empty(), "rootfsPropagation");
    refuse(!settings.masked_paths.empty(), "maskedPaths");
    refuse(!settings.readonly_paths.empty(), "readonlyPaths");
    refuse(!settings.mount_label.empty(), "mountLabel");
    refuse(!settings.time_offsets.empty(), "timeOffsets");
    refuse(!settings.personality.empty(), "personality");
    refuse(settings.memory_policy.has_value(), "memoryPolicy");
    refuse(!settings.net_devices.empty(), "netDevices");
}

bool runs_linux_programs(const SandboxSpec& spec) {
    const auto& parameters = spec.jail_settings.jail.parameters;
    return std::any_of(parameters.begin(), parameters.end(),
                       [](const auto& one) { return one.first.starts_with("linux"); });
}

struct ChildParts {
    const ProcessSpec& process;
    ProcessSetup& setup;
    const SandboxCallbacks& callbacks;
    StdioFds stdio;
    const ChildReport& report;
    int jail;
    bool own_network;
};

/// In the jail's own network stack, where lo0 exists but is down and has no address.
void raise_loopback() {
    const Fd socket = freebsd_net::interface_socket();
    freebsd_net::add_address(socket.get(), "lo0", {Ipv4Address(0x7f000001), 8});
    freebsd_net::set_up(socket.get(), "lo0");
}

/// In the child, to the end.
void run_child(const ChildParts& parts, bool first) {
    std::vector<int> keep{parts.report.fd()};
    if (!parts.process.terminal)
        keep.insert(keep.end(), {parts.stdio.in, parts.stdio.out, parts.stdio.err});
    keep.insert(keep.end(), parts.callbacks.keep.begin(), parts.callbacks.keep.end());
    ProcessSetup::detach_from_parent();
    ProcessSetup::close_inherited(keep, parts.callbacks.preserve_fds);
    parts.setup.apply_limits();
    Pty terminal;
    if (parts.process.terminal) {
        terminal = open_pty();
        if (parts.callbacks.plain_newlines) make_newlines_plain(terminal.slave.get());
        take_terminal(terminal.slave.get(), parts.process.console_size);
        terminal.slave.reset();
    } else {
        take_stdio(parts.stdio, parts.callbacks.preserve_fds);
    }
    if (first && parts.callbacks.created) parts.report.rendezvous();
    if (first && parts.callbacks.inside) parts.callbacks.inside();
    if (::jail_attach(parts.jail) != 0) throw SysError("enter the jail");
    if (parts.own_network) raise_loopback();
    parts.setup.enter_working_directory();
    parts.setup.change_identity();
    parts.setup.find_program();
    const auto ready = [&] {
        parts.report.ready(terminal.master.get());
        terminal.master.reset();
    };
    if (terminal.master && !parts.callbacks.await_start) ready();
    const auto go = [&] {
        if (parts.callbacks.before_start) parts.callbacks.before_start(parts.setup.environment());
        parts.setup.execute(parts.callbacks.preserve_fds);
    };
    if (!parts.callbacks.await_start) go();
    const Fd connection = parts.callbacks.await_start(ready);
    try {
        go();
    } catch (const Error& error) {
        send_error(connection.get(), error);
    }
}

/// `callbacks` is used by the child first and moved from by the parent only afterwards.
SandboxStart start_child(SandboxRef ref, const ChildParts& parts, ChildReport report,
                         SandboxCallbacks& callbacks) {
    const bool first = !ref.detail.empty();
    int descriptor = -1;
    const pid_t pid = ::pdfork(&descriptor, PD_DAEMON | PD_CLOEXEC);
    if (pid < 0) throw SysError("fork");
    if (pid == 0) {
        try {
            run_child(parts, first);
        } catch (const Error& error) {
            parts.report.fail(error);
        } catch (const std::exception& error) {
            parts.report.fail(Error(ErrorKind::internal, error.what()));
        }
        ::_exit(1);
    }
    ref.pid = pid;
    ref.start_time = process_start_time(pid).value_or(0);
    return {std::move(ref), Fd(descriptor), std::move(report), std::move(callbacks)};
}

/// The detail of a SandboxRef: "JAIL ROOT", its full name and where the root is mounted, and on a
/// line of their own the addresses that the host has for it.
struct Detail {
    std::string jail;
    std::string root;
    AliasAddresses aliases;

    static Detail of(const SandboxRef& sandbox) {
        const auto [places, aliases] = split_once(sandbox.detail, '\n');
        auto [jail, root] = split_once(places, ' ');
        return {std::move(jail), root.value_or(""), AliasAddresses::parse(aliases.value_or(""))};
    }
    [[nodiscard]] std::string text() const {
        const auto addresses = aliases.text();
        return jail + " " + root + (addresses.empty() ? "" : "\n" + addresses);
    }
};

void undo(const Detail& detail) {
    const auto& root = detail.root;
    if (detail.jail.empty()) return;
    if (const auto jail = find_jail(detail.jail)) {
        remove_jail(detail.jail);
        remove_device_ruleset(*jail);
    }
    detail.aliases.remove();
    if (root.empty()) return;
    unmount_beneath(readonly_view(root));
    ::rmdir(readonly_view(root).c_str());
    unmount_beneath(root);
}

}  // namespace

SandboxKind sandbox_kind() { return SandboxKind::jail; }

SandboxRef planned_sandbox(const SandboxSpec& spec) {
    const auto& jail = spec.jail_settings.jail;
    const Detail detail{jail_name(spec.id, jail.parent),
                        std::filesystem::canonical(spec.root).string(), AliasAddresses::of(jail)};
    return {spec.id, 0, 0, detail.text()};
}

SandboxStart create_sandbox(const SandboxSpec& spec, Limits& limits, const SyscallFilter&,
                            StdioFds stdio, SandboxCallbacks callbacks) {
    refuse_linux_settings(spec.linux_settings);
    ProcessSetup setup(spec.process);
    SandboxRef ref = planned_sandbox(spec);
    const auto detail = Detail::of(ref);
    const auto& name = detail.jail;
    if (find_jail(name)) throw Error(ErrorKind::already_exists, "jail {} exists", name);
    // The jail holds on to the directory it is given, so the root is mounted before.
    Defer clean_up([&] {
        try {
            undo(detail);
        } catch (const Error& error) {
            log::warn("clean up after container {}: {}", spec.id, error.message());
        }
    });
    if (runs_linux_programs(spec)) enable_linux_emulation();
    const auto jail_root = mount_root(spec, detail.root);
    detail.aliases.add();
    const int jail = create_jail(spec, name, jail_root);
    limits.impl().attach(jail);
    for (const auto& name_of_interface : spec.jail_settings.jail.vnet_interfaces) {
        freebsd_net::move_to_jail(freebsd_net::interface_socket().get(), name_of_interface, jail);
    }
    mount_all(spec, jail_root, jail);
    auto ends = ChildReport::make();
    const ChildParts parts{spec.process,
                           setup,
                           callbacks,
                           stdio,
                           ends.child,
                           jail,
                           spec.jail_settings.jail.vnet == "new"};
    auto start = start_child(ref, parts, std::move(ends.parent), callbacks);
    clean_up.dismiss();
    return start;
}

SandboxStart enter_sandbox(const SandboxRef& sandbox, const ProcessSpec& process, Limits&,
                           const SyscallFilter&, StdioFds stdio, SandboxCallbacks callbacks) {
    ProcessSetup setup(process);
    const auto jail = find_jail(Detail::of(sandbox).jail);
    if (!jail || process_start_time(sandbox.pid) != sandbox.start_time) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not running", sandbox.id);
    }
    auto ends = ChildReport::make();
    const ChildParts parts{process, setup, callbacks, stdio, ends.child, *jail, false};
    return start_child({sandbox.id, 0, 0, {}}, parts, std::move(ends.parent), callbacks);
}

void destroy_sandbox(const SandboxRef& sandbox) { undo(Detail::of(sandbox)); }

}  // namespace brig::os
