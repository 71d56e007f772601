// File systems of containers and images as a tree of snapshots, after containerd's model:
//   prepare(key, parent) → active, written to → commit(name, key) → committed, a parent for others.
// An active snapshot is a container's writable layer or a layer being unpacked or built.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/layer_tree.h"
#include "base/file.h"
#include "base/mount_spec.h"
#include "base/time.h"

namespace brig::snapshot {

enum class Kind { active, view, committed };

struct Info {
    std::string key;
    Kind kind;
    std::optional<std::string> parent;
    Instant created;
};

struct Usage {
    std::uint64_t bytes = 0;  ///< of this snapshot alone, without its parents
    std::uint64_t inodes = 0;
};

/// Keys are any text without control characters, unique over all kinds. All functions are
/// thread-safe and throw Error{not_found} naming the key that is not there. State survives
/// kill -9; what a power loss can leave is repaired when the driver is opened again.
class Snapshotter {
public:
    virtual ~Snapshotter() = default;

    /// A new active (or read-only view) snapshot on top of the committed `parent`, or on nothing.
    /// Returns what to mount as its root. Throws already_exists; failed_precondition when the
    /// parent is not committed. `limit`: how many bytes may be written into it; invalid_argument
    /// from a driver that cannot hold it to that.
    virtual std::vector<Mount> prepare(const std::string& key,
                                       const std::optional<std::string>& parent,
                                       Kind kind = Kind::active,
                                       std::optional<std::uint64_t> limit = {}) = 0;
    /// The mounts of an active snapshot or view again. With Durability::rebuildable a power loss
    /// may take what is written through them, and nothing is flushed when they end.
    virtual std::vector<Mount> mounts(const std::string& key,
                                      Durability durability = Durability::durable) = 0;
    /// Freezes the active snapshot `key` under `name`; `key` is gone. It must not be mounted.
    /// Throws already_exists when `name` is taken; `key` then stays.
    virtual void commit(const std::string& name, const std::string& key) = 0;
    /// Whether rebase() is there: for drivers whose snapshots hold nothing of their parents.
    [[nodiscard]] virtual bool can_rebase() const { return false; }
    /// Puts the active snapshot `key`, prepared on nothing and not mounted, on top of the committed
    /// `parent`, so that the layers of an image can be unpacked side by side. Throws as prepare().
    virtual void rebase(const std::string& key, const std::string& parent);
    /// It is gone when this returns; throws failed_precondition while other snapshots have it as
    /// parent. What it leaves on disk goes with what is returned, when its caller has time.
    virtual std::optional<TempDir> remove(const std::string& key) = 0;
    virtual std::optional<Info> stat(const std::string& key) = 0;
    virtual Usage usage(const std::string& key) = 0;
    virtual std::vector<Info> list() = 0;
    /// The directories behind a snapshot: an active one to unpack into (archive::apply_tar), any
    /// to write out as a layer (archive::write_layer).
    virtual archive::LayerTree tree(const std::string& key) = 0;
    /// Whose all the files are, as in the trees.
    [[nodiscard]] virtual const archive::OwnerMap& owners() const;
};

/// `driver`: "overlay", "btrfs" (both Linux's), "zfs" or "copy". Throws invalid_argument for
/// another name, failed_precondition where `root` is not on the file system that the driver is for.
std::unique_ptr<Snapshotter> make_snapshotter(std::string_view driver,
                                              const std::filesystem::path& root);

/// The same store with its files, all made through this one, in a user namespace's numbers: trees
/// have this map, and the root of a snapshot on nothing belongs to the map's root. Throws
/// invalid_argument where the map has none.
std::unique_ptr<Snapshotter> with_owners(std::unique_ptr<Snapshotter> driver,
                                         archive::OwnerMap owners);

/// Mounts the snapshot is read and written through, for a driver and platform without overlay:
/// one bind mount of `directory`.
std::vector<Mount> bind_mount(const std::filesystem::path& directory, bool read_only);

}  // namespace brig::snapshot
