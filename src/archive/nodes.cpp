// See nodes.h.
#include "archive/nodes.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/types.h>
#include <unistd.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "base/strings.h"
#include "os/posix_acl.h"
#include "os/xattr.h"

namespace brig::archive {

std::optional<struct stat> stat_at(int directory, const std::string& name) {
    struct stat info {};
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw SysError("look at {}", name);
}

bool is_whiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

bool is_opaque(int directory, const std::string& name) {
    return os::get_xattr(directory, name, opaque_xattr) == "y";
}

namespace {

bool is_portable(std::string_view name) {
    if (name == "security.capability" || name == os::access_acl || name == os::default_acl)
        return true;
    return name.starts_with("user.") && !name.starts_with("user.overlay.");
}

/// With an ACL, the mode's digit for the group is the most that anybody named in it may do.
mode_t mode_without(const std::string& acl, mode_t mode) {
    const auto entries = os::decode_acl(acl);
    if (!entries) return mode;
    const auto group = std::ranges::find(*entries, os::AclTag::owning_group, &os::AclEntry::tag);
    return mode & ~(070U & ~(group->permissions << 3U));
}

}  // namespace

Xattrs portable_xattrs(int directory, const std::string& name) {
    Xattrs out = os::list_xattrs(directory, name);
    std::erase_if(out, [](const auto& attribute) { return !is_portable(attribute.first); });
    std::ranges::sort(out);
    return out;
}

void set_portable_xattrs(int directory, const std::string& name, mode_t mode,
                         const Xattrs& xattrs) {
    for (const auto& [key, value] : xattrs) {
        if (!is_portable(key) || os::set_xattr(directory, name, key, value)) continue;
        if (key != os::access_acl || S_ISLNK(mode)) continue;
        const auto narrow = mode_without(value, mode) & 07777U;
        if (narrow != (mode & 07777U) &&
            ::fchmodat(directory, name.c_str(), narrow, AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("set the mode of {}", name);
    }
}

void drop_acls(int directory, const std::string& name) {
    os::remove_xattr(directory, name, os::access_acl);
    os::remove_xattr(directory, name, os::default_acl);
}

Fd open_directory_at(int directory, const std::string& name) {
    Fd inside(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // FreeBSD says EMLINK of a link.
    if (!inside && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EMLINK)
        throw SysError("open directory {}", name);
    return inside;
}

Fd enter_directory_at(int directory, const std::string& name, const std::string& path) {
    Fd inside = open_directory_at(directory, name);
    if (inside && static_cast<std::size_t>(std::ranges::count(path, '/')) >= max_depth) {
        throw Error(ErrorKind::invalid_argument, "{}… is nested deeper than {} directories",
                    path.substr(0, 100), max_depth);
    }
    return inside;
}

std::string link_text(int directory, const std::string& name) {
    std::array<char, PATH_MAX> target;
    const ssize_t n = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    if (n < 0) throw SysError("read link {}", name);
    return {target.data(), static_cast<std::size_t>(n)};
}

namespace {

enum class Lookup { found, hidden, next };

/// One layer of find_in_lowers.
Lookup find_in_layer(const Fd& layer, const std::vector<std::string>& parts, LowerNode& out) {
    Fd current = open_at(layer.get(), ".", O_RDONLY | O_DIRECTORY);
    bool opaque = false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto info = stat_at(current.get(), parts[i]);
        if (!info) return opaque ? Lookup::hidden : Lookup::next;
        if (is_whiteout(*info)) return Lookup::hidden;
        if (i + 1 == parts.size()) {
            out = {std::move(current), parts[i], *info};
            return Lookup::found;
        }
        opaque = opaque || is_opaque(current.get(), parts[i]);
        Fd inside = open_directory_at(current.get(), parts[i]);
        if (!inside) return Lookup::hidden;
        current = std::move(inside);
    }
    return Lookup::hidden;
}

}  // namespace

std::optional<LowerNode> find_in_lowers(const std::vector<Fd>& lowers, const std::string& path) {
    const auto parts = split(path, '/');
    LowerNode out;
    for (const Fd& layer : lowers) {
        switch (find_in_layer(layer, parts, out)) {
            case Lookup::found: return out;
            case Lookup::hidden: return std::nullopt;
            case Lookup::next: break;
        }
    }
    return std::nullopt;
}

}  // namespace brig::archive
