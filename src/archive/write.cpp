// Writing layers and trees: a sorted walk by descriptor, deletions as whiteout names.
#include <algorithm>
#include <utility>
#include <vector>

#include "archive/layer.h"
#include "archive/nodes.h"
#include "archive/tar_output.h"
#include "base/error.h"

namespace brig::archive {
namespace {

std::string child_path(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

/// A whole tree.
void write_all_of(TarOutput& out, int directory, const std::string& path) {
    for (const auto& name : names_in(directory)) {
        const std::string as = child_path(path, name);
        out.add_node(directory, name, as);
        if (const Fd inside = open_directory_at(directory, name))
            write_all_of(out, inside.get(), as);
    }
}

/// A layer as overlayfs keeps it: all of it is change.
void write_upper(TarOutput& out, int directory, const std::string& path) {
    for (const auto& name : names_in(directory)) {
        const std::string as = child_path(path, name);
        const auto info = stat_at(directory, name);
        if (!info) continue;
        if (is_whiteout(*info)) {
            out.add_bytes(child_path(path, std::string(whiteout_prefix) + name), "", 0);
            continue;
        }
        out.add_node(directory, name, as);
        if (!S_ISDIR(info->st_mode)) continue;
        if (is_opaque(directory, name)) out.add_bytes(as + "/" + std::string(opaque_marker), "", 0);
        if (const Fd inside = open_directory_at(directory, name))
            write_upper(out, inside.get(), as);
    }
}

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

struct Side {
    int directory;
    const std::string& name;
    const struct stat& info;
};

bool is_changed(const Side& old_side, const Side& new_side) {
    const auto& a = old_side.info;
    const auto& b = new_side.info;
    if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid) return true;
    if (S_ISDIR(a.st_mode)) return false;
    if (S_ISLNK(a.st_mode)) {
        return link_text(old_side.directory, old_side.name) !=
               link_text(new_side.directory, new_side.name);
    }
    if (S_ISCHR(a.st_mode) || S_ISBLK(a.st_mode)) return a.st_rdev != b.st_rdev;
    return a.st_size != b.st_size || !same_time(a.st_mtim, b.st_mtim);
}

class Comparison {
public:
    explicit Comparison(TarOutput& out) : out_(out) {}

    /// What is in `now` and not, or not the same, in `before`; true if anything.
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
                out_.add_bytes(child_path(path, std::string(whiteout_prefix) + name), "", 0);
            }
        }
    }

private:
    /// A directory whose entry is written only if something in it changed.
    struct Parent {
        int directory;
        std::string name;
        std::string path;
        bool written;
    };

    void need_parents() {
        for (auto& parent : parents_) {
            if (!std::exchange(parent.written, true))
                out_.add_node(parent.directory, parent.name, parent.path);
        }
    }

    void added(int now, const std::string& name, const std::string& as) {
        need_parents();
        out_.add_node(now, name, as);
        if (const Fd inside = open_directory_at(now, name)) write_all_of(out_, inside.get(), as);
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
            out_.add_node(now, name, as);
        }
        const Fd old_inside = open_directory_at(before, name);
        const Fd new_inside = open_directory_at(now, name);
        if (!old_inside || !new_inside) throw SysError("open directory {}", as);
        parents_.push_back({now, name, as, changed});
        compare(old_inside.get(), new_inside.get(), as);
        parents_.pop_back();
    }

    TarOutput& out_;
    std::vector<Parent> parents_;
};

}  // namespace

Applied write_layer(const LayerTree& tree, const Sink& out) {
    TarOutput output(out);
    if (tree.form == LayerForm::overlay) {
        write_upper(output, tree.root.get(), "");
    } else if (tree.lowers.empty()) {
        write_all_of(output, tree.root.get(), "");
    } else {
        Comparison(output).compare(tree.lowers.front().get(), tree.root.get(), "");
    }
    output.finish();
    return {output.entries(), output.bytes()};
}

void write_tree(const Fd& root, const Sink& out, const WriteOptions& options) {
    TarOutput output(out);
    write_all_of(output, root.get(), options.prefix);
    output.finish();
}

void write_node(const Fd& directory, const std::string& name, const std::string& as,
                const Sink& out) {
    TarOutput output(out);
    output.add_node(directory.get(), name, as);
    if (const Fd inside = open_directory_at(directory.get(), name)) {
        write_all_of(output, inside.get(), as);
    }
    output.finish();
}

}  // namespace brig::archive
