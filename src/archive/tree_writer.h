// Creates files beneath a root from untrusted descriptions: the disk half of unpacking, used for
// tar layers and for the builder's COPY alike.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archive/layer_tree.h"
#include "archive/stream.h"
#include "base/error.h"
#include "os/file_flags.h"

namespace brig::archive {

enum class EntryType { file, directory, symlink, hardlink, character, block, fifo };

struct Entry {
    std::string path;  ///< relative to the root; a leading "/" or "./" is ignored, ".." refused
    EntryType type = EntryType::file;
    mode_t mode = 0644;  ///< permission bits incl. setuid, setgid, sticky
    uid_t uid = 0;       ///< both in the archive's numbers; see LayerTree::owners
    gid_t gid = 0;
    timespec mtime{};
    std::optional<std::uint64_t> size;  ///< of a file's body, where it is known
    std::string link;  ///< target of a symlink (as text) or hard link (a path beneath the root)
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::vector<std::pair<std::string, std::string>> xattrs;
    os::FileFlags flags = 0;
};

/// Of an entry added earlier, which it names.
struct LateError : Error {
    explicit LateError(const Error& error) : Error(error) {}
};

/// Device nodes, and flags of files: skipped where the tree is only for our own use.
enum class Devices { create, skip };

/// Writes beneath `tree.root`, which must outlive it. Existing files are replaced, directories
/// merged. Not thread-safe.
class TreeWriter {
public:
    explicit TreeWriter(const LayerTree& tree, Devices devices = Devices::create);
    ~TreeWriter();

    /// Creates one entry, or a small file some time before finish(): all functions throw LateError
    /// of what came to nothing since. `body` is read to its end for regular files (null: empty
    /// file).
    void add(const Entry& entry, Source* body = nullptr);
    /// What is at `path` now, links in its directory part followed.
    [[nodiscard]] std::optional<mode_t> kind_of(const std::string& path);
    /// Deletes `path` of lower layers (what this writer itself made stays).
    void whiteout(const std::string& path);
    /// Hides everything lower layers have in the directory `path`.
    void opaque(const std::string& path);
    /// Sets the times of directories, which filling them has changed, and flags, which would have
    /// been in the way. Call once, at the end.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace brig::archive
