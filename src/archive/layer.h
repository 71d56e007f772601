// Layers between tar and disk. Both ways trust nothing in the tar: every name is resolved beneath
// the root by descriptor, never by a joined path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/layer_tree.h"
#include "archive/stream.h"
#include "archive/tree_writer.h"

namespace brig::archive {

struct ApplyLimits {
    std::uint64_t entries = 4'000'000;
    std::uint64_t bytes = std::uint64_t{1} << 40U;
};

/// Whether an archive may end right after its last file's bytes, without padding and end marks.
enum class Padding { required, may_be_missing };

struct ApplyOptions {
    ApplyLimits limits;
    /// Whiteout names are deletions in a layer, ordinary files in a root file system's tar.
    bool whiteouts = true;
    Devices devices = Devices::create;
    /// Where beneath the root everything goes; links in this path are followed as in a chroot.
    std::string directory;
    /// Refuse to put a directory in the place of something else, or the other way round.
    bool keep_kinds = false;
    /// Everything belongs to them, whatever the archive says: numbers as an archive's.
    std::optional<std::pair<uid_t, gid_t>> owner;
    Padding padding = Padding::required;
};

struct Applied {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;  ///< of regular files
    bool root = false;        ///< whether the root directory itself is among them
};

/// Unpacks an uncompressed tar (see decompress) on top of `tree`, whose owner map its owners go
/// through. Symbolic links in directory parts are followed as a chroot would, through lower layers
/// too. Throws Error{invalid_argument} naming the entry for what is malformed or hostile; the tree
/// is then half-filled and the caller discards it.
Applied apply_tar(Source& tar, const LayerTree& tree, const ApplyOptions& options = {});

/// Writes what `tree` changes relative to its lowers as a layer tar: sorted, hard links kept,
/// deletions as whiteouts. Returns what was written. For `mount_points` see find_differences().
Applied write_layer(const LayerTree& tree, const Sink& out,
                    const std::vector<std::string>& mount_points = {});

/// The same as a list (docker diff), a directory before what is in it.
enum class ChangeKind { modified, added, deleted };
struct Change {
    std::string path;  ///< relative to the root
    ChangeKind kind;
};
std::vector<Change> layer_changes(const LayerTree& tree,
                                  const std::vector<std::string>& mount_points = {});

struct WriteOptions {
    std::string prefix;  ///< put in front of every name
    OwnerMap owners;     ///< as LayerTree::owners
};
/// Writes everything beneath `root` as a tar.
void write_tree(const Fd& root, const Sink& out, const WriteOptions& options = {});
/// One node of `directory`, with what is beneath it, under the name `options.prefix` where that is
/// given (docker cp).
void write_node(const Fd& directory, const std::string& name, const Sink& out,
                const WriteOptions& options = {});

}  // namespace brig::archive
