// See mount_point.h.
#include "os/linux/mount_point.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/error.h"
#include "os/beneath.h"

namespace brig::os {
namespace {

bool missing(const SysError& error) {
    return error.error_number() == ENOENT || error.error_number() == ENOTDIR;
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

bool make_directory_in_existing(int root, const std::string& path) {
    const Fd parent = try_open_place(root, parent_of(path), Links::inside_root);
    return parent && ::mkdirat(parent.get(), path.substr(path.rfind('/') + 1).c_str(), 0755) == 0;
}

}  // namespace

Fd try_open_place(int root, const std::string& path, Links links) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve =
        RESOLVE_IN_ROOT | (links == Links::refused ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS);
    const char* name = path.c_str();
    while (*name == '/') ++name;
    for (int attempt = 0; attempt < 100; ++attempt) {
        Fd fd(static_cast<int>(
            ::syscall(SYS_openat2, root, *name == '\0' ? "." : name, &how, sizeof how)));
        if (fd || errno == ENOENT || errno == ENOTDIR) return fd;
        if (errno != EAGAIN && errno != EINTR) break;
    }
    if (errno == ELOOP && links == Links::refused) {
        throw Error(ErrorKind::failed_precondition,
                    "{} is a symbolic link in the container's root: it must be mounted on ordinary "
                    "directory",
                    path);
    }
    throw SysError("open {} in the container's root", path);
}

Links links_allowed(const std::string& target, const std::string& type) {
    const bool plain = type == "proc" || type == "sysfs" || target == "/proc" || target == "/sys" ||
                       target == "/dev" || target.starts_with("/dev/");
    return plain ? Links::refused : Links::inside_root;
}

std::string parent_of(const std::string& path) {
    const auto slash = path.find_last_of('/');
    return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

Fd mount_point(int root, const std::string& target, bool directory, Links links) {
    if (Fd place = try_open_place(root, target, links)) return place;
    if (!directory) return make_file_in_root(root, target);
    if (!make_directory_in_existing(root, target)) make_directories_in_root(root, target);
    Fd place = try_open_place(root, target, links);
    if (!place) throw SysError("open {} in the container's root", target);
    return place;
}

}  // namespace brig::os
