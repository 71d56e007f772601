// The order of things that makes a root: see child.cpp for who calls what. Everything inside the
// container's tree is opened beneath its root by descriptor and mounted on that descriptor, so
// that neither an image's links nor a race in a shared volume can lead out (CVE-2019-16884,
// CVE-2021-30465, CVE-2023-27561, CVE-2024-45310).
#include "os/linux/root_tree.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"
#include "os/beneath.h"
#include "os/linux/mount_calls.h"
#include "os/linux/mount_point.h"

namespace brig::os {
namespace {

bool on_procfs(int fd) {
    struct statfs info {};
    return ::fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

// What lxcfs and the like replace.
constexpr std::array replaceable_proc_files{"/proc/cpuinfo", "/proc/diskstats",
                                            "/proc/meminfo", "/proc/stat",
                                            "/proc/swaps",   "/proc/uptime",
                                            "/proc/loadavg", "/proc/slabinfo",
                                            "/proc/net/dev", "/proc/sys/kernel/ns_last_pid"};

/// CVE-2015-3631, CVE-2019-16884: a volume over procfs would fake what the runtime writes to.
void check_not_over_proc(const MountPlan& plan, int place, int mount) {
    if (plan.type == "proc" || !on_procfs(place)) return;
    if (std::ranges::find(replaceable_proc_files, plan.target) != replaceable_proc_files.end())
        return;
    if (plan.bind && on_procfs(mount)) return;
    throw Error(ErrorKind::invalid_argument, "mount {}: it is inside /proc, which is not allowed",
                plan.target);
}

std::vector<std::string> once_each(const std::vector<std::string>& paths) {
    std::set<std::string_view> seen;
    std::vector<std::string> out;
    for (const std::string& path : paths) {
        if (seen.insert(path).second) out.push_back(path);
    }
    return out;
}

bool has_new_user_namespace(const SandboxSpec& spec) {
    return std::ranges::any_of(spec.linux_settings.namespaces,
                               [](const Namespace& ns) { return ns.type == "user"; });
}

Fd open_host_null() {
    Fd fd = open_file("/dev/null", O_PATH | O_NOFOLLOW);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISCHR(info.st_mode) || info.st_rdev != makedev(1, 3)) {
        throw Error(ErrorKind::failed_precondition, "the host's /dev/null is not the null device");
    }
    return fd;
}

}  // namespace

RootTree::RootTree(const SandboxSpec& spec, Fd made)
    : spec_(spec),
      root_(std::move(made)),
      null_(open_host_null()),
      user_namespace_(has_new_user_namespace(spec)) {
    const std::string& wanted = spec.linux_settings.rootfs_propagation;
    const unsigned long cut = wanted.ends_with("private") ? MS_PRIVATE : MS_SLAVE;
    if (::mount(nullptr, "/", nullptr, MS_REC | cut, nullptr) != 0) {
        throw SysError("cut the mount namespace off");
    }
    MountPlan plan;
    if (spec.root_mounts.empty()) {
        plan.bind = plan.recursive_bind = true;
        plan.source = spec.root;
        plan.target = "/";
    } else {
        plan = plan_mount(spec.root_mounts.front());
    }
    const std::string place_name = root_ ? "/" : spec.root;
    if (!root_) root_ = make_planned(plan, spec.root);
    const Fd place = open_file(place_name, O_PATH | O_DIRECTORY);
    attach_mount(root_.get(), place.get(), place_name);
    for (std::size_t i = 1; i < spec.root_mounts.size(); ++i) mount_one(spec.root_mounts[i], {});
}

void RootTree::mount_all(const CgroupView& cgroups, const std::map<std::size_t, Fd>& early) {
    for (std::size_t i = 0; i < spec_.mounts.size(); ++i) {
        const auto made = early.find(i);
        mount_one(spec_.mounts[i], cgroups, made == early.end() ? Fd() : made->second.duplicate());
    }
}

void RootTree::attach_at(int mount, const std::string& target, bool directory) {
    const Fd place = mount_point(root_.get(), target, directory, links_allowed(target, ""));
    attach_mount(mount, place.get(), target);
}

void RootTree::mount_one(const brig::Mount& mount, const CgroupView& cgroups, Fd made) {
    if (mount.type == "cgroup" || mount.type == "cgroup2") return mount_cgroups(mount, cgroups);
    MountPlan plan = plan_mount(mount);
    label(plan);
    const bool locked_later = plan.type == "tmpfs" && (plan.top.set & MOUNT_ATTR_RDONLY) != 0;
    if (locked_later) plan.top.set &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    if (plan.type == "tmpfs") inherit_mode(plan);
    if (!made) made = make_planned(plan, spec_.root);
    bool directory = true;
    if (plan.bind) {
        struct stat info {};
        if (::fstat(made.get(), &info) != 0) throw SysError("look at {}", plan.source);
        directory = S_ISDIR(info.st_mode);
        dev_is_bound_ = dev_is_bound_ || plan.target == "/dev";
    }
    const Fd place =
        mount_point(root_.get(), plan.target, directory, links_allowed(plan.target, plan.type));
    check_not_over_proc(plan, place.get(), made.get());
    if (plan.copy_up) copy_up(made.get(), plan.target);
    attach_mount(made.get(), place.get(), plan.target);
    set_propagation(made.get(), plan.propagation);
    if (plan.type == "proc" && plan.target == "/proc") {
        proc_ = std::move(made);
    } else if (locked_later) {
        lock_later_.push_back(std::move(made));
    }
}

/// A tmpfs that is given no mode has that of the directory it covers.
void RootTree::inherit_mode(MountPlan& plan) const {
    const bool given =
        std::ranges::any_of(plan.parameters, [](const auto& p) { return p.first == "mode"; });
    if (given) return;
    const Fd covered =
        try_open_place(root_.get(), plan.target, links_allowed(plan.target, plan.type));
    struct stat info {};
    if (covered && ::fstat(covered.get(), &info) == 0)
        plan.parameters.emplace_back("mode", fmt::format("{:o}", info.st_mode & 07777));
}

/// SELinux: file systems made for the container carry its label; the kernel's own have theirs.
void RootTree::label(MountPlan& plan) const {
    const std::string& context = spec_.linux_settings.mount_label;
    const bool labelled = plan.type == "tmpfs" || plan.type == "devpts" || plan.type == "overlay";
    if (!context.empty() && labelled) plan.parameters.emplace_back("context", context);
}

/// Without a cgroup namespace a user namespace may not mount control groups, and the host's, which
/// are then bound, are not its to write (CVE-2023-25809).
bool RootTree::bind_host_cgroups(MountPlan plan) {
    const auto& namespaces = spec_.linux_settings.namespaces;
    const bool own =
        std::ranges::any_of(namespaces, [](const Namespace& ns) { return ns.type == "cgroup"; });
    if (own || !user_namespace_) return false;
    plan.source = "/sys/fs/cgroup";
    plan.bind = plan.recursive_bind = true;
    plan.recursive.set =
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    attach_at(make_planned(plan, spec_.root).get(), plan.target, true);
    return true;
}

void RootTree::mount_cgroups(const brig::Mount& mount, const CgroupView& cgroups) {
    MountPlan plan = plan_mount(mount);
    plan.parameters.clear();
    plan.source = "cgroup";
    if (bind_host_cgroups(plan)) return;
    if (cgroups.v1.empty()) {
        plan.type = cgroups.v2 ? "cgroup2" : "tmpfs";
        attach_at(make_planned(plan, spec_.root).get(), plan.target, true);
        return;
    }
    MountPlan base = plan;
    base.type = "tmpfs";
    base.parameters = {{"mode", "755"}};
    base.top.set &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    const Fd top = make_planned(base, spec_.root);
    attach_at(top.get(), plan.target, true);
    const auto add = [&](const std::string& name) {
        if (::mkdirat(top.get(), name.c_str(), 0755) != 0)
            throw SysError("create directory {}", name);
        const Fd place = open_at(top.get(), name, O_PATH | O_DIRECTORY);
        attach_mount(make_planned(plan, spec_.root).get(), place.get(), plan.target + "/" + name);
    };
    plan.type = "cgroup";
    for (const std::string& hierarchy : cgroups.v1) {
        plan.parameters.clear();
        const auto controllers = split(hierarchy, ',');
        for (const std::string& controller : controllers)
            plan.parameters.emplace_back(controller, std::nullopt);
        add(hierarchy);
        if (controllers.size() == 1) continue;
        for (const std::string& controller : controllers)
            make_link(top.get(), controller.c_str(), hierarchy.c_str());
    }
    plan.parameters.clear();
    plan.type = "cgroup2";
    if (cgroups.v2) add("unified");
    if ((plan.top.set & MOUNT_ATTR_RDONLY) != 0)
        set_attributes(top.get(), {MOUNT_ATTR_RDONLY, 0}, false);
}

void RootTree::copy_up(int mount, const std::string& target) {
    namespace fs = std::filesystem;
    const Fd from = open_in_root(root_.get(), target, O_RDONLY | O_DIRECTORY);
    const Fd to = open_at(mount, ".", O_RDONLY | O_DIRECTORY);
    struct stat info {};
    if (::fstat(from.get(), &info) == 0) {
        ::fchown(to.get(), info.st_uid, info.st_gid);
        ::fchmod(to.get(), info.st_mode & 07777);
    }
    const fs::path source = fmt::format("/proc/self/fd/{}/.", from.get());
    const fs::path copy = fmt::format("/proc/self/fd/{}", to.get());
    std::error_code error;
    fs::copy(source, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
    if (error) throw SysError(error.value(), "copy up " + target);
    for (const auto& entry : fs::recursive_directory_iterator(source)) {
        const std::string made = copy / entry.path().lexically_relative(source);
        if (::lstat(entry.path().c_str(), &info) != 0) continue;
        if (::lchown(made.c_str(), info.st_uid, info.st_gid) != 0)
            throw SysError("copy up {}: owner of {}", target, entry.path().string());
        if (!S_ISLNK(info.st_mode)) ::chmod(made.c_str(), info.st_mode & 07777);
    }
}

void RootTree::make_working_directory() {
    const std::string& path = spec_.process.cwd;
    if (path.empty() || path == "/") return;
    try {
        open_in_root(root_.get(), path, O_PATH | O_DIRECTORY);
        return;
    } catch (const SysError& e) {
        if (e.error_number() != ENOENT) throw e.within("working directory");
    }
    make_directories_in_root(root_.get(), path);
}

void RootTree::mask(const std::string& path, int place) {
    struct stat info {};
    if (::fstat(place, &info) != 0) throw SysError("look at {}", path);
    if (!S_ISDIR(info.st_mode)) {
        // CVE-2025-31133: the host's null device, not the one an image could have replaced.
        attach_mount(clone_mount(null_.get()).get(), place, path);
        return;
    }
    if (empty_) {
        attach_mount(clone_mount(empty_.get()).get(), place, path);
        return;
    }
    MountPlan plan;
    plan.type = plan.source = "tmpfs";
    plan.target = path;
    plan.top.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan.parameters = {{"nr_inodes", "2"}, {"size", "4096"}};
    empty_ = make_mount(plan, spec_.root);
    attach_mount(empty_.get(), place, path);
}

void RootTree::restrict_paths() {
    for (const Fd& mount : lock_later_) set_attributes(mount.get(), {MOUNT_ATTR_RDONLY, 0}, false);
    for (const std::string& path : once_each(spec_.linux_settings.readonly_paths)) {
        const Fd place = try_open_place(root_.get(), path, Links::inside_root);
        if (!place) continue;
        const Fd copy = clone_mount(place.get(), true);
        set_attributes(copy.get(), {MOUNT_ATTR_RDONLY, 0}, true);
        attach_mount(copy.get(), place.get(), path);
    }
    for (const std::string& path : once_each(spec_.linux_settings.masked_paths)) {
        if (const Fd place = try_open_place(root_.get(), path, Links::inside_root))
            mask(path, place.get());
    }
    if (spec_.root_readonly) set_attributes(root_.get(), {MOUNT_ATTR_RDONLY, 0}, false);
}

/// The old root ends up on top of the new one at "." and is taken away from there.
static void pivot() {
    if (::syscall(SYS_pivot_root, ".", ".") != 0) throw SysError("change the root");
    if (::umount2(".", MNT_DETACH) != 0) throw SysError("detach the old root");
}

static void cover_root() {
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) throw SysError("cover the root");
    if (::chroot(".") != 0) throw SysError("change the root");
}

void RootTree::enter() {
    if (::fchdir(root_.get()) != 0) throw SysError("enter the root");
    try {
        pivot();
    } catch (const SysError& e) {
        if (!spec_.linux_settings.no_pivot || e.error_number() != EINVAL) throw;
        cover_root();
    }
    if (::chdir("/") != 0) throw SysError("enter the new root");
    const std::string& wanted = spec_.linux_settings.rootfs_propagation;
    if (!wanted.empty()) {
        MountPlan plan = plan_mount({"none", "", "/", {wanted}});
        if (plan.propagation.empty()) {
            throw Error(ErrorKind::invalid_argument, "rootfsPropagation: unknown value {:?}",
                        wanted);
        }
        set_propagation(root_.get(), plan.propagation);
    }
}

}  // namespace brig::os
