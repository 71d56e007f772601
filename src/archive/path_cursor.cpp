// See path_cursor.h.
#include "archive/path_cursor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "archive/differences.h"
#include "archive/nodes.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/strings.h"
#include "os/posix_acl.h"
#include "os/xattr.h"

namespace brig::archive {
namespace {

constexpr std::size_t max_links = 40;

bool has_default_acl(int directory) {
    return os::get_xattr(directory, ".", os::default_acl).has_value();
}

}  // namespace

std::vector<std::string> clean_path(std::string_view path) {
    std::vector<std::string> parts = split(path, '/');
    std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
    for (const auto& part : parts) {
        if (part == "..") throw Error(ErrorKind::invalid_argument, "path contains \"..\"");
        if (part.find('\0') != std::string::npos) {
            throw Error(ErrorKind::invalid_argument, "path contains a NUL character");
        }
    }
    if (parts.size() > max_depth) {
        throw Error(ErrorKind::invalid_argument, "path is nested deeper than {} directories",
                    max_depth);
    }
    return parts;
}

void copy_attributes(int from_directory, const std::string& from_name, int directory,
                     const std::string& name) {
    const auto info = stat_at(from_directory, from_name);
    if (!info) throw SysError(ENOENT, "look at " + from_name);
    if (::fchownat(directory, name.c_str(), info->st_uid, info->st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the owner of {}", name);
    }
    if (!S_ISLNK(info->st_mode) &&
        ::fchmodat(directory, name.c_str(), info->st_mode & 07777U, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the mode of {}", name);
    }
    set_portable_xattrs(directory, name, info->st_mode, portable_xattrs(from_directory, from_name));
    const timespec times[2] = {info->st_atim, info->st_mtim};
    if (::utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the times of {}", name);
    }
}

Place PathCursor::locate(const std::vector<std::string>& parts, Missing missing) {
    if (parts.empty()) {
        stack_.clear();
        return {.directory = tree_.root.get(), .name = ".", .path = ""};
    }
    std::size_t common = 0;
    while (common < stack_.size() && common + 1 < parts.size() &&
           stack_[common].name == parts[common]) {
        ++common;
    }
    stack_.erase(stack_.begin() + static_cast<std::ptrdiff_t>(common), stack_.end());
    for (std::size_t i = common; i + 1 < parts.size(); ++i) enter(parts[i], missing);
    return {top(), parts.back(), child_path(top_path(), parts.back()), top_has_default_acl(),
            stack_.empty() ? nullptr : stack_.back().directory};
}

bool PathCursor::top_has_default_acl() {
    if (!stack_.empty()) return stack_.back().default_acl;
    if (!root_acl_) root_acl_ = has_default_acl(tree_.root.get());
    return *root_acl_;
}

void PathCursor::enter(const std::string& name, Missing missing) {
    Position at{open_at(top(), ".", O_RDONLY | O_DIRECTORY), top_path()};
    std::deque<std::string> pending{name};
    std::size_t links = 0;
    while (!pending.empty()) {
        const std::string part = std::move(pending.front());
        pending.pop_front();
        if (!step(at, part, missing, pending) && ++links > max_links) {
            throw Error(ErrorKind::invalid_argument, "too many levels of symbolic links at {}",
                        name);
        }
    }
    if (static_cast<std::size_t>(std::ranges::count(at.path, '/')) >= max_depth) {
        throw Error(ErrorKind::invalid_argument, "path is nested deeper than {} directories",
                    max_depth);
    }
    const bool acl = has_default_acl(at.directory.get());
    stack_.push_back(
        {name, std::make_shared<const Fd>(std::move(at.directory)), std::move(at.path), acl});
}

/// Goes one part further; false when that was a link, whose parts are then pending.
bool PathCursor::step(Position& at, const std::string& name, Missing missing, Pending& pending) {
    if (name == "..") {
        const auto slash = at.path.rfind('/');
        at = reopen(slash == std::string::npos ? "" : at.path.substr(0, slash));
        return true;
    }
    const int here = at.directory.get();
    const std::string path = child_path(at.path, name);
    if (Fd inside = open_directory_at(here, name)) {
        if (const auto flags = os::unprotect(here, name)) lifted_.try_emplace(path, flags);
        at = {std::move(inside), path};
        return true;
    }
    const auto info = stat_at(here, name);
    if (!info && settle_()) return step(at, name, missing, pending);
    if (info && S_ISLNK(info->st_mode)) {
        follow(at, link_text(here, name), pending);
        return false;
    }
    const bool hidden = info && tree_.form == LayerForm::overlay && is_whiteout(*info);
    if (info && !hidden) throw SysError(ENOTDIR, "open " + path);
    if (!info && lowers_visible(at.path)) {
        if (take_over_lower(at, name, pending)) return false;
        if (at.path == path) return true;
    }
    if (missing == Missing::refuse) throw SysError(ENOENT, "open " + path);
    if (hidden) remove_tree_at(here, name);
    if (::mkdirat(here, name.c_str(), 0755) != 0 ||
        ::fchmodat(here, name.c_str(), 0755, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("create directory {}", path);
    }
    own(here, name, path);
    if (hidden) os::set_xattr(here, name, opaque_xattr, "y");
    return step(at, name, missing, pending);
}

/// What no archive names belongs to the archive's root.
void PathCursor::own(int directory, const std::string& name, const std::string& path) const {
    const OwnerMap& owners = tree_.owners;
    if (owners.empty()) return;
    if (::fchownat(directory, name.c_str(), owners.user(0, To::disk), owners.group(0, To::disk),
                   AT_SYMLINK_NOFOLLOW) != 0)
        throw SysError("set the owner of {}", path);
}

/// A directory of a lower layer is entered after making its like here, as overlayfs copies up;
/// of a link there, the parts become pending and the answer is true.
bool PathCursor::take_over_lower(Position& at, const std::string& name, Pending& pending) {
    const std::string path = child_path(at.path, name);
    const auto lower = find_in_lowers(tree_.lowers.layers(), path);
    if (!lower) return false;
    if (S_ISLNK(lower->info.st_mode)) {
        follow(at, link_text(lower->directory.get(), lower->name), pending);
        return true;
    }
    if (!S_ISDIR(lower->info.st_mode)) throw SysError(ENOTDIR, "open " + path);
    if (::mkdirat(at.directory.get(), name.c_str(), 0700) != 0) {
        throw SysError("create directory {}", path);
    }
    drop_acls(at.directory.get(), name);
    copy_attributes(lower->directory.get(), lower->name, at.directory.get(), name);
    at = reopen(path);
    return false;
}

void PathCursor::follow(Position& at, const std::string& text, Pending& pending) const {
    std::vector<std::string> parts = split(text, '/');
    std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
    pending.insert(pending.begin(), parts.begin(), parts.end());
    if (text.starts_with('/')) at = reopen("");
}

PathCursor::Position PathCursor::reopen(const std::string& path) const {
    Position out{open_at(tree_.root.get(), ".", O_RDONLY | O_DIRECTORY), path};
    if (path.empty()) return out;
    for (const auto& part : split(path, '/')) {
        out.directory = open_at(out.directory.get(), part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    }
    return out;
}

bool PathCursor::lowers_visible(const std::string& path) const {
    if (tree_.form != LayerForm::overlay || tree_.lowers.empty()) return false;
    if (path.empty()) return true;
    Fd at = open_at(tree_.root.get(), ".", O_RDONLY | O_DIRECTORY);
    for (const auto& part : split(path, '/')) {
        if (is_opaque(at.get(), part)) return false;
        at = open_directory_at(at.get(), part);
        if (!at) return true;
    }
    return true;
}

}  // namespace brig::archive
