// See tree_writer.h. The last component of a path is never followed: what is there is replaced.
#include "archive/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#if __has_include(<sys/sysmacros.h>)
#include <sys/sysmacros.h>
#endif

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <unordered_set>

#include "archive/file_entry.h"
#include "archive/nodes.h"
#include "archive/path_cursor.h"
#include "archive/revisit.h"
#include "archive/small_files.h"
#include "base/directory.h"
#include "base/error.h"
#include "os/xattr.h"

namespace brig::archive {
namespace {

std::vector<std::byte> all_of(Source* body) {
    std::vector<std::byte> out;
    if (body == nullptr) return out;
    for (auto chunk = body->next(); !chunk.empty(); chunk = body->next())
        out.insert(out.end(), chunk.begin(), chunk.end());
    return out;
}

}  // namespace

struct TreeWriter::State {
    State(const LayerTree& layer, Devices device_policy)
        : tree(layer),
          cursor(layer, pending_flags, [this] { return small.settle(); }),
          devices(device_policy) {}

    const LayerTree& tree;
    SmallFiles small;
    PendingFlags pending_flags;
    PathCursor cursor;
    Devices devices;
    std::map<std::string, timespec> directory_times;
    /// Hashes of the paths made, so that whiteouts in a full tree spare them.
    std::unordered_set<std::size_t> made;

    [[nodiscard]] bool overlay() const { return tree.form == LayerForm::overlay; }
    [[nodiscard]] bool is_made(const std::string& path) const {
        return made.contains(std::hash<std::string>{}(path));
    }
    void note_made(const std::string& path) {
        if (!overlay()) made.insert(std::hash<std::string>{}(path));
    }
    void note_flags(const std::string& path, os::FileFlags wanted) {
        if (wanted != 0 && devices == Devices::create) {
            pending_flags[path] = wanted;
        } else {
            pending_flags.erase(path);
        }
    }

    /// Makes room for a new node; true when something was there.
    bool clear(const Place& at) {
        const auto info = stat_at(at.directory, at.name);
        if (!info) return false;
        os::remove_protected_tree_at(at.directory, at.name);
        if (S_ISDIR(info->st_mode) || S_ISLNK(info->st_mode)) cursor.forget();
        return true;
    }

    /// Has what waits made, where `entry` may depend on it: anything but a file or a directory at a
    /// place of its own. What a directory's default ACL is decides what is made in it.
    void settle_for(const Place& at, const Entry& entry);
    void add_node(const Entry& entry, Source* body);
    void set_attributes(const Place& at, const Entry& entry);
    void add_file(Place at, const Entry& entry, Source* body);
    void add_directory(const Place& at, const Entry& entry);
    void add_symlink(Place at, const Entry& entry);
    void add_hardlink(const Entry& entry);
    void add_special(Place at, const Entry& entry);
    Place link_target(const Entry& entry);
    void copy_up(const Place& at, const LowerNode& lower);
    void remove_unmade(int directory, const std::string& path);
};

TreeWriter::TreeWriter(const LayerTree& tree, Devices devices)
    : state_(std::make_unique<State>(tree, devices)) {}
TreeWriter::~TreeWriter() = default;

/// Owner first: changing it clears setuid and security.capability. An ACL after the mode, which is
/// part of it.
void TreeWriter::State::set_attributes(const Place& at, const Entry& entry) {
    const char* name = at.name.c_str();
    if (::fchownat(at.directory, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the owner of {}", at.path);
    }
    if (entry.type != EntryType::symlink &&
        ::fchmodat(at.directory, name, entry.mode & 07777U, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the mode of {}", at.path);
    }
    const mode_t kind = entry.type == EntryType::symlink ? S_IFLNK : 0;
    set_portable_xattrs(at.directory, at.name, kind | entry.mode, entry.xattrs);
    const timespec times[2] = {entry.mtime, entry.mtime};
    if (entry.type != EntryType::directory &&
        ::utimensat(at.directory, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError("set the times of {}", at.path);
    }
}

void TreeWriter::State::add_file(Place at, const Entry& entry, Source* body) {
    if (small.holds(at.path)) small.settle();
    if (entry.size && *entry.size <= SmallFiles::largest && entry.xattrs.empty() &&
        !at.inherits_acl && !stat_at(at.directory, at.name))
        return small.add(std::move(at), entry, all_of(body));
    if (make_file(at, entry, body)) return;
    small.settle();
    clear(at);
    at = cursor.locate(clean_path(entry.path));
    if (!make_file(at, entry, body)) throw SysError(EEXIST, "create " + at.path);
}

void TreeWriter::State::add_directory(const Place& at, const Entry& entry) {
    if (at.name != ".") {
        const auto info = stat_at(at.directory, at.name);
        const bool replace = info && !S_ISDIR(info->st_mode);
        if (replace) clear(at);
        if ((!info || replace) && ::mkdirat(at.directory, at.name.c_str(), 0700) != 0) {
            throw SysError("create directory {}", at.path);
        }
        // What was here hid the lower layers' directory, so that must not show through now.
        if (replace && overlay() && !tree.lowers.empty()) {
            os::set_xattr(at.directory, at.name, opaque_xattr, "y");
        }
    }
    os::unprotect(at.directory, at.name);
    drop_acls(at.directory, at.name);
    set_attributes(at, entry);
    // What is made in it from now on has to be freed of its default ACL.
    if (!entry.xattrs.empty()) cursor.forget();
    directory_times[at.path] = entry.mtime;
}

void TreeWriter::State::add_symlink(Place at, const Entry& entry) {
    if (clear(at)) at = cursor.locate(clean_path(entry.path));
    if (::symlinkat(entry.link.c_str(), at.directory, at.name.c_str()) != 0) {
        throw SysError("create symbolic link {}", at.path);
    }
    set_attributes(at, entry);
}

void TreeWriter::State::add_special(Place at, const Entry& entry) {
    mode_t kind = S_IFIFO;
    dev_t device = 0;
    if (entry.type != EntryType::fifo) {
        if (devices == Devices::skip) return;
        kind = entry.type == EntryType::character ? S_IFCHR : S_IFBLK;
        device = makedev(entry.device_major, entry.device_minor);
        if (kind == S_IFCHR && device == 0) {
            throw Error(ErrorKind::invalid_argument,
                        "character device 0:0 would act as a deletion mark");
        }
    }
    if (clear(at)) at = cursor.locate(clean_path(entry.path));
    if (::mknodat(at.directory, at.name.c_str(), kind | 0600U, device) != 0) {
        if (errno == EPERM) {
            throw Error(
                ErrorKind::permission_denied,
                "device node {} cannot be created here: it takes root outside user namespaces",
                at.path);
        }
        throw SysError("create special file {}", at.path);
    }
    if (at.inherits_acl) drop_acls(at.directory, at.name);
    set_attributes(at, entry);
}

/// Where a hard link points, in this layer; taken over from a lower layer when it is only there.
Place TreeWriter::State::link_target(const Entry& entry) {
    Place target = cursor.locate(clean_path(entry.link), PathCursor::Missing::refuse);
    const auto info = stat_at(target.directory, target.name);
    if (info && S_ISDIR(info->st_mode)) {
        throw Error(ErrorKind::invalid_argument, "hard link to the directory {}", entry.link);
    }
    if (info && !(overlay() && is_whiteout(*info))) return target;
    const auto parent = target.path.rfind('/');
    if (!info &&
        cursor.lowers_visible(parent == std::string::npos ? "" : target.path.substr(0, parent))) {
        if (const auto lower = find_in_lowers(tree.lowers.layers(), target.path)) {
            copy_up(target, *lower);
            return target;
        }
    }
    throw Error(ErrorKind::invalid_argument, "hard link to {}, which does not exist", entry.link);
}

void TreeWriter::State::copy_up(const Place& at, const LowerNode& lower) {
    if (S_ISREG(lower.info.st_mode)) {
        const Fd from = open_at(lower.directory.get(), lower.name, O_RDONLY | O_NOFOLLOW);
        const Fd to =
            open_at(at.directory, at.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        const auto body = from_fd(from.get());
        write_body(to.get(), *body);
    } else if (S_ISLNK(lower.info.st_mode)) {
        const std::string text = link_text(lower.directory.get(), lower.name);
        if (::symlinkat(text.c_str(), at.directory, at.name.c_str()) != 0) {
            throw SysError("create symbolic link {}", at.path);
        }
    } else {
        throw Error(ErrorKind::invalid_argument, "hard link to {}, which is not a regular file",
                    at.path);
    }
    if (at.inherits_acl && !S_ISLNK(lower.info.st_mode)) drop_acls(at.directory, at.name);
    copy_attributes(lower.directory.get(), lower.name, at.directory, at.name);
}

void TreeWriter::State::add_hardlink(const Entry& entry) {
    small.settle();
    const Place target = link_target(entry);
    const Fd directory = open_at(target.directory, ".", O_RDONLY | O_DIRECTORY);
    const auto parts = clean_path(entry.path);
    Place at = cursor.locate(parts);
    if (at.path == target.path) throw Error(ErrorKind::invalid_argument, "hard link to itself");
    if (clear(at)) at = cursor.locate(parts);
    if (const auto had = os::unprotect(directory.get(), target.name))
        pending_flags.try_emplace(target.path, had);
    // No AT_SYMLINK_FOLLOW: a link to a symbolic link is a second name of that link.
    if (::linkat(directory.get(), target.name.c_str(), at.directory, at.name.c_str(), 0) != 0) {
        throw SysError("link {} to {}", at.path, entry.link);
    }
    note_made(at.path);
}

void TreeWriter::State::settle_for(const Place& at, const Entry& entry) {
    if (entry.type == EntryType::file) return;  // looks itself
    if (entry.type != EntryType::directory || !entry.xattrs.empty() || small.holds(at.path))
        small.settle();
}

void TreeWriter::add(const Entry& entry, Source* body) {
    // One more name of a file that has its owner.
    if (entry.type == EntryType::hardlink) return state_->add_hardlink(entry);
    const OwnerMap& owners = state_->tree.owners;
    if (owners.empty()) return state_->add_node(entry, body);
    Entry mapped = entry;
    mapped.uid = owners.user(entry.uid, To::disk);
    mapped.gid = owners.group(entry.gid, To::disk);
    owners.translate(mapped.xattrs, To::disk);
    state_->add_node(mapped, body);
}

void TreeWriter::State::add_node(const Entry& entry, Source* body) {
    const Place at = cursor.locate(clean_path(entry.path));
    settle_for(at, entry);
    if (at.name == "." && entry.type != EntryType::directory) {
        throw Error(ErrorKind::invalid_argument, "the root can only be a directory");
    }
    note_made(at.path);
    note_flags(at.path, entry.flags);
    switch (entry.type) {
        case EntryType::file: return add_file(at, entry, body);
        case EntryType::directory: return add_directory(at, entry);
        case EntryType::symlink: return add_symlink(at, entry);
        default: return add_special(at, entry);
    }
}

std::optional<mode_t> TreeWriter::kind_of(const std::string& path) {
    const Place at = state_->cursor.locate(clean_path(path));
    if (state_->small.holds(at.path)) state_->small.settle();
    const auto info = stat_at(at.directory, at.name);
    return info ? std::optional(info->st_mode & S_IFMT) : std::nullopt;
}

void TreeWriter::whiteout(const std::string& path) {
    State& state = *state_;
    state.small.settle();
    const Place at = state.cursor.locate(clean_path(path));
    if (at.name == ".") throw Error(ErrorKind::invalid_argument, "the root cannot be deleted");
    if (!state.overlay()) {
        if (state.is_made(at.path)) {
            const Fd inside = open_directory_at(at.directory, at.name);
            if (inside) state.remove_unmade(inside.get(), at.path);
        } else {
            state.clear(at);
        }
        return;
    }
    if (state.tree.lowers.empty()) return;
    const auto info = stat_at(at.directory, at.name);
    if (info) {
        // Made by this very layer, so only what lies below goes away.
        if (S_ISDIR(info->st_mode)) os::set_xattr(at.directory, at.name, opaque_xattr, "y");
        return;
    }
    if (::mknodat(at.directory, at.name.c_str(), S_IFCHR, makedev(0, 0)) != 0) {
        throw SysError("mark {} as deleted", at.path);
    }
}

void TreeWriter::opaque(const std::string& path) {
    State& state = *state_;
    state.small.settle();
    auto parts = clean_path(path);
    parts.emplace_back(".");  // so that `path` itself is entered
    const Place inside = state.cursor.locate(parts);
    if (!state.overlay()) {
        const auto slash = inside.path.rfind('/');
        state.remove_unmade(inside.directory,
                            slash == std::string::npos ? "" : inside.path.substr(0, slash));
        state.cursor.forget();
        return;
    }
    if (state.tree.lowers.empty()) return;
    if (!os::set_xattr(inside.directory, ".", opaque_xattr, "y")) {
        throw Error(ErrorKind::not_implemented,
                    "the file system under {} has no trusted attributes, which overlay needs",
                    path);
    }
}

void TreeWriter::State::remove_unmade(int directory, const std::string& path) {
    for (const auto& name : names_in(directory)) {
        const std::string child = path.empty() ? name : path + "/" + name;
        if (!is_made(child)) {
            os::remove_protected_tree_at(directory, name);
        } else if (const Fd inside = open_directory_at(directory, name)) {
            remove_unmade(inside.get(), child);
        }
    }
}

void TreeWriter::finish() {
    State& state = *state_;
    state.small.settle();
    state.cursor.forget();
    Revisit made(state.tree.root.get());
    for (const auto& [path, mtime] : state.directory_times) {
        const timespec times[2] = {mtime, mtime};
        const auto found = made.find(path);
        if (!found || !S_ISDIR(found->info.st_mode)) continue;
        if (::utimensat(found->directory, found->name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
            throw SysError("set the times of {}", path);
    }
    // A directory after what is in it: nothing can be changed in one that is schg.
    for (auto at = state.pending_flags.rbegin(); at != state.pending_flags.rend(); ++at) {
        if (const auto found = made.find(at->first))
            os::set_file_flags(found->directory, found->name, at->second);
    }
}

}  // namespace brig::archive
