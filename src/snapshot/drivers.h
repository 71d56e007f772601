// The portable drivers' constructors; make_snapshotter chooses.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/zfs.h"
#include "snapshot/snapshotter.h"

namespace brig::snapshot {

/// Error{invalid_argument} for a limit of size given to a driver that has none.
[[noreturn]] void refuse_limit(std::string_view driver);

/// Layers as directories that the kernel's overlayfs stacks.
std::unique_ptr<Snapshotter> make_overlay(const std::filesystem::path& root);
/// Every snapshot a full copy: works on every file system, shares nothing (but reflinks).
std::unique_ptr<Snapshotter> make_copy(const std::filesystem::path& root);
/// Every snapshot a subvolume, copied by sharing. `root` must lie on btrfs.
std::unique_ptr<Snapshotter> make_btrfs(const std::filesystem::path& root);
using RunZfs = std::function<std::string(const std::vector<std::string>& arguments)>;
/// Every snapshot a dataset, a clone of its parent's. `root` must lie on ZFS. `run` is
/// os::run_zfs() but in tests.
std::unique_ptr<Snapshotter> make_zfs(const std::filesystem::path& root, RunZfs run = os::run_zfs);

}  // namespace brig::snapshot
