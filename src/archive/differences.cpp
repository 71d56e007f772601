// See differences.h.
#include "archive/differences.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "archive/nodes.h"
#include "base/directory.h"
#include "base/error.h"
#include "base/time.h"
#include "os/file_flags.h"

namespace brig::archive {
namespace {

bool same_time(const timespec& a, const timespec& b) {
    return !is_before(a, b) && !is_before(b, a);
}

struct Side {
    int directory;
    const std::string& name;
    const struct stat& info;
};

bool same_bytes(const Side& one, const Side& other) {
    const Fd a = open_at(one.directory, one.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const Fd b = open_at(other.directory, other.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    std::vector<std::byte> left(64 * 1024);
    std::vector<std::byte> right(left.size());
    for (;;) {
        const auto n = read_some(a.get(), left);
        std::size_t got = 0;
        while (got < n) {
            const auto more = read_some(b.get(), std::span(right).subspan(got, n - got));
            if (more == 0) return false;
            got += more;
        }
        if (n == 0) return read_some(b.get(), std::span(right).first(1)) == 0;
        if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(n), right.begin()))
            return false;
    }
}

class Walk {
public:
    Walk(const LayerTree& tree, const std::vector<std::string>& mount_points, Differences& out)
        : tree_(tree), mount_points_(mount_points), out_(out) {}

    /// A layer as overlayfs keeps it: all of it is change.
    void upper(int directory, const std::string& path) {
        for (const auto& name : names_in(directory)) {
            const std::string as = child_path(path, name);
            const auto info = stat_at(directory, name);
            if (!info || is_scaffold({directory, name, *info}, as)) continue;
            if (is_whiteout(*info)) {
                out_.gone(path, name);
                continue;
            }
            out_.node(directory, name, as);
            if (!S_ISDIR(info->st_mode)) continue;
            if (is_opaque(directory, name)) out_.emptied(as);
            if (const Fd inside = enter_directory_at(directory, name, as)) upper(inside.get(), as);
        }
    }

    /// A whole tree.
    void all(int directory, const std::string& path) {
        for (const auto& name : names_in(directory)) added(directory, name, child_path(path, name));
    }

    /// What is in `now` and not, or not the same, in `before`.
    void compare(int before, int now, const std::string& path) {
        const auto old_names = names_in(before);
        const auto new_names = names_in(now);
        for (const auto& name : new_names) {
            const bool existed = std::ranges::binary_search(old_names, name);
            if (existed) {
                compare_node(before, now, name, child_path(path, name));
            } else {
                added(now, name, child_path(path, name));
            }
        }
        for (const auto& name : old_names) {
            if (!std::ranges::binary_search(new_names, name)) {
                need_parents();
                out_.gone(path, name);
            }
        }
    }

private:
    /// A directory that is told of only if something in it changed.
    struct Parent {
        int directory;
        std::string name;
        std::string path;
        bool told;
    };

    void need_parents() {
        for (auto& parent : parents_) {
            if (!std::exchange(parent.told, true))
                out_.node(parent.directory, parent.name, parent.path);
        }
    }

    void added(int now, const std::string& name, const std::string& as) {
        const auto info = stat_at(now, name);
        if (!info || is_scaffold({now, name, *info}, as)) return;
        need_parents();
        out_.node(now, name, as);
        if (const Fd inside = enter_directory_at(now, name, as)) all(inside.get(), as);
    }

    void compare_node(int before, int now, const std::string& name, const std::string& as) {
        const auto old_info = stat_at(before, name);
        const auto new_info = stat_at(now, name);
        if (!new_info || !old_info) return;
        const bool both_directories = S_ISDIR(old_info->st_mode) && S_ISDIR(new_info->st_mode);
        const bool changed = is_changed({before, name, *old_info}, {now, name, *new_info});
        if (!both_directories) {
            if (changed) added(now, name, as);
            return;
        }
        if (changed) {
            need_parents();
            out_.node(now, name, as);
        }
        const Fd old_inside = open_directory_at(before, name);
        const Fd new_inside = enter_directory_at(now, name, as);
        if (!old_inside || !new_inside)
            throw Error(ErrorKind::conflict, "directory {} went away meanwhile", as);
        parents_.push_back({now, name, as, changed});
        compare(old_inside.get(), new_inside.get(), as);
        parents_.pop_back();
    }

    [[nodiscard]] bool is_changed(const Side& old_side, const Side& new_side) const {
        const auto& a = old_side.info;
        const auto& b = new_side.info;
        if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid) return true;
        if (os::flags_of(a) != os::flags_of(b)) return true;
        // The time of modification can be set at will, that of the inode's last change cannot. A
        // clone (zfs) has its parent's inodes.
        const bool untouched = tree_.filled
                                   ? is_before(b.st_ctim, *tree_.filled)
                                   : a.st_ino == b.st_ino && same_time(a.st_ctim, b.st_ctim);
        if (!untouched && portable_xattrs(old_side.directory, old_side.name) !=
                              portable_xattrs(new_side.directory, new_side.name))
            return true;
        if (S_ISDIR(a.st_mode)) return false;
        if (S_ISLNK(a.st_mode)) {
            return link_text(old_side.directory, old_side.name) !=
                   link_text(new_side.directory, new_side.name);
        }
        if (S_ISCHR(a.st_mode) || S_ISBLK(a.st_mode)) return a.st_rdev != b.st_rdev;
        if (a.st_size != b.st_size || !same_time(a.st_mtim, b.st_mtim)) return true;
        return S_ISREG(b.st_mode) && !untouched && !same_bytes(old_side, new_side);
    }

    /// An empty file or directory at a mount point that was not there before, or a directory that
    /// was and has nothing but such in it.
    [[nodiscard]] bool is_scaffold(const Side& node, const std::string& path) const {
        if (std::ranges::find(mount_points_, path) == mount_points_.end()) return false;
        const auto below = find_in_lowers(tree_.lowers.layers(), path);
        if (S_ISREG(node.info.st_mode)) return node.info.st_size == 0 && !below;
        if (!S_ISDIR(node.info.st_mode) || is_opaque(node.directory, node.name)) return false;
        const auto& old = below ? below->info : node.info;
        if (old.st_mode != node.info.st_mode || old.st_uid != node.info.st_uid ||
            old.st_gid != node.info.st_gid)
            return false;
        const Fd inside = open_directory_at(node.directory, node.name);
        if (!inside) return false;
        return std::ranges::all_of(names_in(inside.get()), [&](const std::string& name) {
            const auto info = stat_at(inside.get(), name);
            return !info || is_scaffold({inside.get(), name, *info}, child_path(path, name));
        });
    }

    const LayerTree& tree_;
    const std::vector<std::string>& mount_points_;
    Differences& out_;
    std::vector<Parent> parents_;
};

}  // namespace

std::string child_path(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

void find_differences(const LayerTree& tree, const std::vector<std::string>& mount_points,
                      Differences& out) {
    Walk walk(tree, mount_points, out);
    if (tree.form == LayerForm::overlay) {
        walk.upper(tree.root.get(), "");
    } else if (tree.lowers.empty()) {
        walk.all(tree.root.get(), "");
    } else {
        walk.compare(tree.lowers.layers().front().get(), tree.root.get(), "");
    }
}

}  // namespace brig::archive
