// A snapshotter of each driver, and its snapshots through their mounts.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/file.h"
#include "os/mounts.h"
#include "snapshot/snapshotter.h"
#include "support/drivers.h"
#include "support/error_of.h"

namespace brig::snapshot {

namespace fs = std::filesystem;
using brig::test::kind_of;

/// The mounts of a snapshot, mounted for the lifetime of the object.
class Mounted {
public:
    Mounted(const std::vector<Mount>& mounts, fs::path target) : target_(std::move(target)) {
        fs::create_directories(target_);
        try {
            for (const auto& mount : mounts) os::mount_at(mount, target_);
            ok_ = true;
        } catch (const SysError&) {
            // Asked for by ok().
        }
    }
    ~Mounted() {
        if (ok_) os::unmount(target_);
    }
    Mounted(const Mounted&) = delete;
    Mounted& operator=(const Mounted&) = delete;
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] fs::path path(const char* name = "") const { return target_ / name; }

private:
    fs::path target_;
    bool ok_ = false;
};

class SnapshotContract : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting takes root";
        open();
        const Mounted probe(driver_->prepare("probe", std::nullopt), work_.path() / "probe");
        if (!probe.ok()) GTEST_SKIP() << "this host does not allow mounts";
    }
    /// All of them, children first: datasets outlive a temporary directory.
    void TearDown() override {
        for (bool removed = driver_ != nullptr; removed;) {
            removed = false;
            for (const auto& info : driver_->list()) {
                if (!kind_of([&] { driver_->remove(info.key); })) removed = true;
            }
        }
    }
    void open() { driver_ = make_snapshotter(GetParam(), work_.path() / "snapshots"); }

    /// Writes in an active snapshot through its mount.
    void change(const std::string& key, const std::function<void(const fs::path&)>& action) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        ASSERT_TRUE(mounted.ok()) << key;
        action(mounted.path());
    }
    void layer(const std::string& name, const std::optional<std::string>& parent,
               const std::function<void(const fs::path&)>& action) {
        driver_->prepare(name + "-active", parent);
        change(name + "-active", action);
        driver_->commit(name, name + "-active");
    }
    std::string content(const std::string& key, const char* file) {
        const Mounted mounted(driver_->mounts(key), work_.path() / "mnt");
        return fs::exists(mounted.path(file)) ? read_file(mounted.path(file)) : "absent";
    }
    static void put(const fs::path& path, std::string_view text) {
        fs::create_directories(path.parent_path());
        write_file_atomic(path, text, 0644, Durability::rebuildable);
    }

    TempDir work_{fs::temp_directory_path(), "brig-snapshot-contract"};
    std::unique_ptr<Snapshotter> driver_;
};

}  // namespace brig::snapshot
