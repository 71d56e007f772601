// See early_mounts.h. mount_setattr(2), MOUNT_ATTR_IDMAP.
#include "os/linux/early_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/defer.h"
#include "base/error.h"
#include "os/linux/clone_process.h"
#include "os/linux/id_maps.h"
#include "os/linux/mount_calls.h"

namespace brig::os {
namespace {

void apply_map(int mount, const MountPlan& plan, int user_namespace) {
    mount_attr request{};
    request.attr_set = MOUNT_ATTR_IDMAP;
    request.userns_fd = static_cast<std::uint64_t>(user_namespace);
    const unsigned flags = AT_EMPTY_PATH | (plan.recursive_idmap ? AT_RECURSIVE : 0);
    if (::syscall(SYS_mount_setattr, mount, "", flags, &request, sizeof request) != 0) {
        throw SysError("mount {}: map the users of {}", plan.target, plan.source);
    }
}

/// The path of the user namespace that the container joins, or nothing.
std::string joined_user_namespace(const SandboxSpec& spec) {
    for (const Namespace& ns : spec.linux_settings.namespaces) {
        if (ns.type == "user") return ns.path;
    }
    return {};
}

}  // namespace

Fd make_user_namespace(const std::vector<IdMapping>& users, const std::vector<IdMapping>& groups) {
    CloneResult child = clone_process(CLONE_NEWUSER, -1);
    if (child.pid == 0) {
        for (;;) ::pause();
    }
    const Defer end([&] {
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
    });
    write_id_maps(child.pid, users, groups);
    return open_file(fmt::format("/proc/{}/ns/user", child.pid), O_RDONLY);
}

namespace {

/// Of the mount itself or of the container, whose user namespace may also be one that it joins.
void map_ids(int copy, const MountPlan& plan, const brig::Mount& mount, const SandboxSpec& spec) {
    const bool own = !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
    const auto& users = own ? mount.uid_mappings : spec.linux_settings.uid_mappings;
    const auto& groups = own ? mount.gid_mappings : spec.linux_settings.gid_mappings;
    const std::string joined = own ? "" : joined_user_namespace(spec);
    if (joined.empty() && (users.empty() || groups.empty())) {
        throw Error(ErrorKind::invalid_argument,
                    "mount {}: idmap needs uidMappings and gidMappings, of the mount or of the "
                    "container",
                    plan.target);
    }
    const Fd user_namespace =
        joined.empty() ? make_user_namespace(users, groups) : open_file(joined, O_RDONLY);
    apply_map(copy, plan, user_namespace.get());
}

bool gives_up_rights(const SandboxSpec& spec) {
    return ::geteuid() == 0 &&
           std::ranges::any_of(spec.linux_settings.namespaces,
                               [](const Namespace& ns) { return ns.type == "user"; });
}

/// The users of a container's namespace may not be able to go where the source is. One beneath the
/// root may be a mount that is yet to be made.
bool needs_callers_rights(const MountPlan& plan, const SandboxSpec& spec) {
    return plan.bind && !plan.source.starts_with(spec.root + "/") && gives_up_rights(spec);
}

}  // namespace

EarlyMounts make_early_mounts(const SandboxSpec& spec) {
    EarlyMounts made;
    if (!spec.root_mounts.empty() && gives_up_rights(spec)) {
        made.root = make_planned(plan_mount(spec.root_mounts.front()), spec.root);
        set_propagation(made.root.get(), {MS_REC | MS_SLAVE});
    }
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        const brig::Mount& mount = spec.mounts[i];
        const MountPlan plan = plan_mount(mount);
        if (!plan.idmap && !needs_callers_rights(plan, spec)) continue;
        Fd copy = make_planned(plan, spec.root);
        if (plan.idmap) map_ids(copy.get(), plan, mount, spec);
        // Made in the host's namespace: what happens in the container must not reach its peers.
        set_propagation(copy.get(), {MS_REC | MS_SLAVE});
        made.more.emplace(i, std::move(copy));
    }
    return made;
}

}  // namespace brig::os
