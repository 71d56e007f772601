// Drivers by name.
#include "snapshot/snapshotter.h"

#include "base/error.h"
#include "snapshot/drivers.h"

namespace brig::snapshot {

std::unique_ptr<Snapshotter> make_snapshotter(std::string_view driver,
                                              const std::filesystem::path& root) {
    if (driver == "overlay") return make_overlay(root);
    if (driver == "copy") return make_copy(root);
    if (driver == "btrfs") return make_btrfs(root);
    if (driver == "zfs") return make_zfs(root);
    throw Error(ErrorKind::invalid_argument,
                "unknown storage driver {:?}: want overlay, btrfs, zfs or copy", driver);
}

void Snapshotter::rebase(const std::string& key, const std::string& /*parent*/) {
    throw Error(ErrorKind::not_implemented,
                "snapshot {} cannot get a parent later with this storage driver", key);
}

const archive::OwnerMap& Snapshotter::owners() const {
    static const archive::OwnerMap none;
    return none;
}

void refuse_limit(std::string_view driver) {
    // Docker's words, with the names of ours.
    throw Error(ErrorKind::invalid_argument,
                "--storage-opt size is supported only by the storage drivers btrfs and zfs, not by "
                "the driver {}",
                driver);
}

std::vector<Mount> bind_mount(const std::filesystem::path& directory, bool read_only) {
    return {{.type = "bind",
             .source = directory.string(),
             .options = {"rbind", read_only ? "ro" : "rw"}}};
}

}  // namespace brig::snapshot
