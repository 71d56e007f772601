// RootTree's part in /dev: nodes, links, and the host's nodes where none can be made.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"
#include "os/beneath.h"
#include "os/linux/mount_calls.h"
#include "os/linux/mount_point.h"
#include "os/linux/root_tree.h"

namespace brig::os {

void RootTree::make_link(int directory, const char* name, const char* target) {
    if (::symlinkat(target, directory, name) != 0 && errno != EEXIST) {
        throw SysError("create link {}", name);
    }
}

void RootTree::make_node(const DeviceNode& node) {
    const std::size_t slash = node.path.rfind('/');
    if (slash == std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "device {:?}: the path is not absolute",
                    node.path);
    }
    const std::string name = node.path.substr(slash + 1);
    const Fd parent = make_directories_in_root(root_.get(), parent_of(node.path));
    const mode_t type = node.type == "b" ? S_IFBLK : node.type == "p" ? S_IFIFO : S_IFCHR;
    const mode_t mode = node.file_mode.value_or(0666) & 07777;
    const dev_t device =
        makedev(static_cast<unsigned>(node.major), static_cast<unsigned>(node.minor));
    const auto same_node_there = [&] {
        struct stat info {};
        return ::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
               (info.st_mode & S_IFMT) == type && (type == S_IFIFO || info.st_rdev == device);
    };
    // The container's own is a link into its devpts; the kernel gives both that number.
    if (node.path == "/dev/ptmx" && type == S_IFCHR && device == makedev(5, 2)) return;
    if (!user_namespace_ && ::mknodat(parent.get(), name.c_str(), type | mode, device) == 0) {
        if ((node.uid || node.gid) && ::fchownat(parent.get(), name.c_str(), node.uid.value_or(0),
                                                 node.gid.value_or(0), AT_SYMLINK_NOFOLLOW) != 0) {
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
    constexpr std::array<std::array<int, 2>, 6> numbers{
        {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}}};
    constexpr std::array names{"/dev/null",   "/dev/zero",    "/dev/full",
                               "/dev/random", "/dev/urandom", "/dev/tty"};
    {  // The directory itself must not be a link of the image.
        const Fd dev = mount_point(root_.get(), "/dev", true, Links::refused);
        for (const auto& [name, target] : {std::pair{"fd", "/proc/self/fd"},
                                           {"stdin", "/proc/self/fd/0"},
                                           {"stdout", "/proc/self/fd/1"},
                                           {"stderr", "/proc/self/fd/2"},
                                           {"core", "/proc/kcore"},
                                           {"ptmx", "pts/ptmx"}}) {
            make_link(dev.get(), name, target);
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto [major, minor] = numbers.at(i);
            const char* base = names.at(i) + sizeof "/dev/" - 1;
            if (!user_namespace_ &&
                ::mknodat(dev.get(), base, S_IFCHR | 0666, makedev(major, minor)) == 0)
                continue;
            make_node({.path = names.at(i),
                       .type = "c",
                       .major = major,
                       .minor = minor,
                       .file_mode = 0666});
        }
    }
    for (const DeviceNode& node : spec_.linux_settings.devices) make_node(node);
    ::umask(old_mask);
}

}  // namespace brig::os
