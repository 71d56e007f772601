// Writing layers and trees: deletions become whiteout names.
#include <vector>

#include "archive/differences.h"
#include "archive/layer.h"
#include "archive/nodes.h"
#include "archive/tar_output.h"
#include "base/directory.h"

namespace brig::archive {
namespace {

/// A whole tree.
void write_all_of(TarOutput& out, int directory, const std::string& path) {
    for (const auto& name : names_in(directory)) {
        // What is beneath the root itself keeps the slash that stands for it.
        const std::string as = path == "/" ? "/" + name : child_path(path, name);
        out.add_node(directory, name, as);
        if (const Fd inside = enter_directory_at(directory, name, as))
            write_all_of(out, inside.get(), as);
    }
}

class LayerWriter : public Differences {
public:
    explicit LayerWriter(TarOutput& out) : out_(out) {}
    void node(int directory, const std::string& name, const std::string& path) override {
        out_.add_node(directory, name, path);
    }
    void gone(const std::string& directory, const std::string& name) override {
        out_.add_bytes(child_path(directory, std::string(whiteout_prefix) + name), "", 0);
    }
    void emptied(const std::string& directory) override {
        out_.add_bytes(child_path(directory, std::string(opaque_marker)), "", 0);
    }

private:
    TarOutput& out_;
};

class ChangeList : public Differences {
public:
    explicit ChangeList(const LayerTree& tree) : tree_(tree) {}
    void node(int, const std::string&, const std::string& path) override {
        const bool existed = find_in_lowers(tree_.lowers.layers(), path).has_value();
        changes.push_back({path, existed ? ChangeKind::modified : ChangeKind::added});
    }
    void gone(const std::string& directory, const std::string& name) override {
        changes.push_back({child_path(directory, name), ChangeKind::deleted});
    }
    void emptied(const std::string&) override {}

    std::vector<Change> changes;

private:
    const LayerTree& tree_;
};

}  // namespace

Applied write_layer(const LayerTree& tree, const Sink& out,
                    const std::vector<std::string>& mount_points) {
    TarOutput output(out, tree.owners);
    LayerWriter writer(output);
    find_differences(tree, mount_points, writer);
    output.finish();
    return {output.entries(), output.bytes()};
}

std::vector<Change> layer_changes(const LayerTree& tree,
                                  const std::vector<std::string>& mount_points) {
    ChangeList list(tree);
    find_differences(tree, mount_points, list);
    return std::move(list.changes);
}

void write_tree(const Fd& root, const Sink& out, const WriteOptions& options) {
    TarOutput output(out, options.owners);
    write_all_of(output, root.get(), options.prefix);
    output.finish();
}

void write_node(const Fd& directory, const std::string& name, const Sink& out,
                const WriteOptions& options) {
    TarOutput output(out, options.owners);
    const std::string& as = options.prefix.empty() ? name : options.prefix;
    output.add_node(directory.get(), name, as);
    if (const Fd inside = open_directory_at(directory.get(), name)) {
        write_all_of(output, inside.get(), as);
    }
    output.finish();
}

}  // namespace brig::archive
