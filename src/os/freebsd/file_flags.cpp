// chflags(2). Not every file system has every flag: ZFS has no uchg, tmpfs nearly all.
#include "os/file_flags.h"

#include <fcntl.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/directory.h"
#include "base/error.h"
#include "base/fd.h"

namespace brig::os {
namespace {

/// What stands in the way of changing or removing a file, or of what is in a directory.
constexpr FileFlags protecting =
    SF_IMMUTABLE | SF_APPEND | SF_NOUNLINK | UF_IMMUTABLE | UF_APPEND | UF_NOUNLINK;

/// Each level takes a descriptor and a piece of the stack.
constexpr unsigned max_depth = 128;

void unprotect_inside(int directory, unsigned depth) {
    for (const auto& name : names_in(directory)) {
        unprotect(directory, name);
        const Fd inside(::openat(directory, name.c_str(),
                                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        if (inside && depth < max_depth) unprotect_inside(inside.get(), depth + 1);
    }
}

}  // namespace

bool may_set_system_flags() {
    const auto is_set = [](const char* name) {
        int value = 0;
        std::size_t size = sizeof value;
        return ::sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
    };
    return !is_set("security.jail.jailed") || is_set("security.jail.chflags_allowed");
}

FileFlags lasting_flags(FileFlags flags) { return flags & (protecting | UF_NODUMP); }

FileFlags flags_of(const struct stat& info) { return lasting_flags(info.st_flags); }

bool set_file_flags(int directory, const std::string& name, FileFlags flags) {
    if (::chflagsat(directory, name.c_str(), flags, AT_SYMLINK_NOFOLLOW) == 0) return true;
    // EPERM: within a jail, or at a raised securelevel.
    if (errno == EOPNOTSUPP || errno == EPERM) return false;
    throw SysError("set the flags of {}", name);
}

FileFlags unprotect(int directory, const std::string& name) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    if ((info.st_flags & protecting) == 0) return 0;
    const auto rest = info.st_flags & ~protecting;
    if (::chflagsat(directory, name.c_str(), rest, AT_SYMLINK_NOFOLLOW) != 0) return 0;
    return lasting_flags(info.st_flags);
}

void unprotect_tree(const std::string& path) {
    unprotect(AT_FDCWD, path);
    const Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (root) unprotect_inside(root.get(), 1);
}

void remove_protected_tree_at(int directory, const std::string& name) {
    remove_tree_at(directory, name, [](int at, const std::string& entry) { unprotect(at, entry); });
}

}  // namespace brig::os
