// The order of things that makes a root: see child.cpp for who calls what. Everything inside the
// container's tree is opened beneath its root by descriptor and mounted on that descriptor, so
// that neither an image's links nor a race in a shared volume can lead out (CVE-2019-16884,
// CVE-2021-30465, CVE-2023-27561, CVE-2024-45310).
#include "os/linux/root_tree.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/error.h"
#include "base/strings.h"
#include "os/beneath.h"
#include "os/linux/mount_calls.h"

namespace brig::os {
namespace {

/// Like open_in_root, but refuses every symbolic link on the way.
Fd open_without_links(int root, const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
    const char* name = path.c_str();
    while (*name == '/') ++name;
    Fd fd(static_cast<int>(::syscall(SYS_openat2, root, *name == '\0' ? "." : name, &how, sizeof how)));
    if (!fd && errno == ELOOP) {
        throw Error(ErrorKind::failed_precondition,
                    "{} is a symbolic link in the container's root, which is not allowed", path);
    }
    if (!fd) throw SysError("open {}", path);
    return fd;
}

bool missing(const SysError& error) {
    return error.error_number() == ENOENT || error.error_number() == ENOTDIR;
}

/// CVE-2019-19921, CVE-2023-28642, CVE-2026-41579: these never through links of the image.
bool must_be_plain(const std::string& target, const std::string& type) {
    return type == "proc" || type == "sysfs" || target == "/proc" || target == "/sys" ||
           target == "/dev" || target.starts_with("/dev/");
}

/// Where a dangling link points, as a path inside the root.
std::string dangling_target(int root, const std::string& path) {
    try {
        const Fd link = open_in_root(root, path, O_PATH | O_NOFOLLOW);
        std::array<char, PATH_MAX> text;
        const ssize_t n = ::readlinkat(link.get(), "", text.data(), text.size());
        if (n <= 0) return path;
        const std::string_view target(text.data(), static_cast<std::size_t>(n));
        if (target.starts_with('/')) return std::string(target);
        return fmt::format("{}/{}", path.substr(0, path.rfind('/')), target);
    } catch (const SysError& e) {
        if (missing(e)) return path;
        throw;
    }
}

std::string parent_of(const std::string& path) {
    const auto slash = path.find_last_of('/');
    return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

Fd make_file_in_root(int root, std::string path) {
    constexpr int max_links = 16;
    for (int i = 0; i < max_links; ++i) {
        std::string next = dangling_target(root, path);
        if (next == path) break;
        path = std::move(next);
    }
    const Fd parent = make_directories_in_root(root, parent_of(path));
    const std::string name = path.substr(path.rfind('/') + 1);
    const Fd made = open_at(parent.get(), name, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0644);
    return open_at(parent.get(), name, O_PATH | O_NOFOLLOW);
}

/// The place to mount `target` on, created when it is not there.
Fd mount_point(int root, const std::string& target, bool directory, bool plain) {
    const auto open = [&] {
        return plain ? open_without_links(root, target, O_PATH) : open_in_root(root, target, O_PATH);
    };
    try {
        return open();
    } catch (const SysError& e) {
        if (e.error_number() != ENOENT) throw;
    }
    if (!directory) return make_file_in_root(root, target);
    make_directories_in_root(root, target);
    return open();
}

bool on_procfs(int fd) {
    struct statfs info {};
    return ::fstatfs(fd, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

// What lxcfs and the like replace.
constexpr std::array replaceable_proc_files{
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat",    "/proc/swaps",
    "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid"};

/// CVE-2015-3631, CVE-2019-16884: a volume over procfs would fake what the runtime writes to.
void check_not_over_proc(const MountPlan& plan, int place, int mount) {
    if (plan.type == "proc" || !on_procfs(place)) return;
    if (std::ranges::find(replaceable_proc_files, plan.target) != replaceable_proc_files.end()) return;
    if (plan.bind && on_procfs(mount)) return;
    throw Error(ErrorKind::invalid_argument, "mount {}: it is inside /proc, which is not allowed",
                plan.target);
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

RootTree::RootTree(const SandboxSpec& spec)
    : spec_(spec), null_(open_host_null()), user_namespace_(has_new_user_namespace(spec)) {
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
    root_ = make_planned(plan, spec.root);
    const Fd place = open_file(spec.root, O_PATH | O_DIRECTORY);
    attach_mount(root_.get(), place.get(), spec.root);
    for (std::size_t i = 1; i < spec.root_mounts.size(); ++i) mount_one(spec.root_mounts[i], {});
}

void RootTree::mount_all(const CgroupView& cgroups) {
    for (const brig::Mount& mount : spec_.mounts) mount_one(mount, cgroups);
}

void RootTree::attach_at(int mount, const std::string& target, bool directory) {
    const Fd place = mount_point(root_.get(), target, directory, must_be_plain(target, ""));
    attach_mount(mount, place.get(), target);
}

void RootTree::mount_one(const brig::Mount& mount, const CgroupView& cgroups) {
    if (!mount.target.starts_with('/')) {
        throw Error(ErrorKind::invalid_argument, "mount {:?}: the destination is not absolute",
                    mount.target);
    }
    if (mount.type == "cgroup" || mount.type == "cgroup2") return mount_cgroups(mount, cgroups);
    const MountPlan plan = plan_mount(mount);
    Fd made = make_planned(plan, spec_.root);
    bool directory = true;
    if (plan.bind) {
        struct stat info {};
        if (::fstat(made.get(), &info) != 0) throw SysError("look at {}", plan.source);
        directory = S_ISDIR(info.st_mode);
        dev_is_bound_ = dev_is_bound_ || plan.target == "/dev";
    }
    const Fd place = mount_point(root_.get(), plan.target, directory,
                                 must_be_plain(plan.target, plan.type));
    check_not_over_proc(plan, place.get(), made.get());
    if (plan.copy_up) copy_up(made.get(), plan.target);
    attach_mount(made.get(), place.get(), plan.target);
    set_propagation(made.get(), plan.propagation);
    if (plan.type == "proc" && plan.target == "/proc") proc_ = std::move(made);
}

void RootTree::mount_cgroups(const brig::Mount& mount, const CgroupView& cgroups) {
    MountPlan plan = plan_mount(mount);
    plan.parameters.clear();
    plan.source = "cgroup";
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
        if (::mkdirat(top.get(), name.c_str(), 0755) != 0) throw SysError("create directory {}", name);
        const Fd place = open_at(top.get(), name, O_PATH | O_DIRECTORY);
        attach_mount(make_planned(plan, spec_.root).get(), place.get(), plan.target + "/" + name);
    };
    plan.type = "cgroup";
    for (const std::string& hierarchy : cgroups.v1) {
        plan.parameters.clear();
        const auto controllers = split(hierarchy, ',');
        for (const std::string& controller : controllers) plan.parameters.emplace_back(controller, std::nullopt);
        add(hierarchy);
        if (controllers.size() == 1) continue;
        for (const std::string& controller : controllers) make_link(top.get(), controller.c_str(), hierarchy.c_str());
    }
    plan.parameters.clear();
    plan.type = "cgroup2";
    if (cgroups.v2) add("unified");
    if ((plan.top.set & MOUNT_ATTR_RDONLY) != 0) set_attributes(top.get(), {MOUNT_ATTR_RDONLY, 0}, false);
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
    std::error_code error;
    fs::copy(fmt::format("/proc/self/fd/{}/.", from.get()), fmt::format("/proc/self/fd/{}", to.get()),
             fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
    if (error) throw SysError(error.value(), "copy up " + target);
}

void RootTree::make_link(int directory, const char* name, const char* target) {
    if (::symlinkat(target, directory, name) != 0 && errno != EEXIST) {
        throw SysError("create link {}", name);
    }
}

void RootTree::make_node(const DeviceNode& node) {
    const std::size_t slash = node.path.rfind('/');
    if (slash == std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "device {:?}: the path is not absolute", node.path);
    }
    const std::string name = node.path.substr(slash + 1);
    const Fd parent = make_directories_in_root(root_.get(), parent_of(node.path));
    const mode_t type = node.type == "b" ? S_IFBLK : node.type == "p" ? S_IFIFO : S_IFCHR;
    const mode_t mode = node.file_mode.value_or(0666) & 07777;
    const dev_t device = makedev(static_cast<unsigned>(node.major), static_cast<unsigned>(node.minor));
    const auto same_node_there = [&] {
        struct stat info {};
        return ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
               (info.st_mode & S_IFMT) == type && (type == S_IFIFO || info.st_rdev == device);
    };
    if (!user_namespace_ && ::mknodat(parent.get(), name.c_str(), type | mode, device) == 0) {
        if ((node.uid || node.gid) &&
            ::fchownat(parent.get(), name.c_str(), node.uid.value_or(0), node.gid.value_or(0),
                       AT_SYMLINK_NOFOLLOW) != 0) {
            throw SysError("change the owner of {}", node.path);
        }
        return;
    }
    if (!user_namespace_ && errno == EEXIST) {
        if (same_node_there()) return;
        throw Error(ErrorKind::failed_precondition,
                    "{} exists in the container's root and is not that device", node.path);
    }
    if (!user_namespace_ && errno != EPERM) throw SysError("create device {}", node.path);
    // Nodes cannot be made in a user namespace: the host's are bound.
    const Fd made = open_at(parent.get(), name, O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0666);
    const Fd place = open_at(parent.get(), name, O_PATH | O_NOFOLLOW);
    const Fd host = open_file(node.path, O_PATH | O_NOFOLLOW);
    attach_mount(clone_mount(host.get()).get(), place.get(), node.path);
}

void RootTree::make_devices() {
    if (dev_is_bound_) return;
    const mode_t old_mask = ::umask(0);
    constexpr std::array<std::array<int, 2>, 6> numbers{{{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}}};
    constexpr std::array names{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
    { // The directory itself must not be a link of the image.
        const Fd dev = mount_point(root_.get(), "/dev", true, true);
        for (const auto& [name, target] :
             {std::pair{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"},
              {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},
              {"ptmx", "pts/ptmx"}}) {
            make_link(dev.get(), name, target);
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto [major, minor] = numbers.at(i);
            const char* base = names.at(i) + sizeof "/dev/" - 1;
            if (!user_namespace_ && ::mknodat(dev.get(), base, S_IFCHR | 0666, makedev(major, minor)) == 0) continue;
            make_node({.path = names.at(i), .type = "c", .major = major, .minor = minor, .file_mode = 0666});
        }
    }
    for (const DeviceNode& node : spec_.linux_settings.devices) make_node(node);
    ::umask(old_mask);
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

void RootTree::mask(const std::string& path) {
    const Fd place = open_in_root(root_.get(), path, O_PATH);
    struct stat info {};
    if (::fstat(place.get(), &info) != 0) throw SysError("look at {}", path);
    if (!S_ISDIR(info.st_mode)) {
        // CVE-2025-31133: the host's null device, not the one an image could have replaced.
        attach_mount(clone_mount(null_.get()).get(), place.get(), path);
        return;
    }
    if (empty_) {
        attach_mount(clone_mount(empty_.get()).get(), place.get(), path);
        return;
    }
    MountPlan plan;
    plan.type = plan.source = "tmpfs";
    plan.target = path;
    plan.top.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    plan.parameters = {{"nr_inodes", "2"}, {"size", "4096"}};
    empty_ = make_mount(plan, spec_.root);
    attach_mount(empty_.get(), place.get(), path);
}

void RootTree::restrict_paths() {
    const auto for_existing = [](const std::vector<std::string>& paths, const auto& action) {
        for (const std::string& path : paths) {
            try {
                action(path);
            } catch (const SysError& e) {
                if (!missing(e)) throw e.within("restrict " + path);
            }
        }
    };
    for_existing(spec_.linux_settings.readonly_paths, [&](const std::string& path) {
        const Fd place = open_in_root(root_.get(), path, O_PATH);
        const Fd copy = clone_mount(place.get(), true);
        set_attributes(copy.get(), {MOUNT_ATTR_RDONLY, 0}, true);
        attach_mount(copy.get(), place.get(), path);
    });
    for_existing(spec_.linux_settings.masked_paths, [&](const std::string& path) { mask(path); });
    if (spec_.root_readonly) set_attributes(root_.get(), {MOUNT_ATTR_RDONLY, 0}, false);
}

void RootTree::enter() {
    if (::fchdir(root_.get()) != 0) throw SysError("enter the root");
    // The old root ends up on top of the new one at "." and is taken away from there.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) throw SysError("change the root");
    if (::umount2(".", MNT_DETACH) != 0) throw SysError("detach the old root");
    if (::chdir("/") != 0) throw SysError("enter the new root");
    const std::string& wanted = spec_.linux_settings.rootfs_propagation;
    if (!wanted.empty()) {
        MountPlan plan = plan_mount({"none", "", "/", {wanted}});
        if (plan.propagation.empty()) {
            throw Error(ErrorKind::invalid_argument, "rootfsPropagation: unknown value {:?}", wanted);
        }
        set_propagation(root_.get(), plan.propagation);
    }
}

}  // namespace brig::os
