// What only the zfs driver has: datasets that do not go at once, and how often it asks zfs(8).
#include "os/zfs.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "archive/layer.h"
#include "base/defer.h"
#include "base/strings.h"
#include "fixture.h"
#include "os/xattr.h"
#include "snapshot/drivers.h"
#include "support/error_of.h"

namespace brig::snapshot {
namespace {

using namespace std::chrono_literals;

class ZfsTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting takes root";
        try {
            base_ = os::zfs_dataset_of(work_.path().string());
        } catch (const Error& error) {
            GTEST_SKIP() << error.message();
        }
        open();
    }
    void TearDown() override {
        for (const auto& held : held_) let_go(held);
        if (!driver_) return;
        while (!driver_->list().empty()) driver_->remove(driver_->list().back().key);
        EXPECT_TRUE(all_gone());
    }
    void open() {
        driver_.reset();
        driver_ = make_zfs(work_.path() / "snapshots", [this](const auto& words) {
            ++processes_;
            return os::run_zfs(words);
        });
    }

    /// The dataset of the snapshot made last, and its ZFS snapshots.
    [[nodiscard]] std::vector<std::string> ours() const {
        const std::string name(trim(read_file(work_.path() / "snapshots-mounts/name", 64)));
        std::vector<std::string> out;
        for (const auto& line :
             split(os::run_zfs({"list", "-H", "-r", "-t", "all", "-o", "name", base_}), '\n')) {
            if (line.find(name) != std::string::npos) out.push_back(line);
        }
        return out;
    }
    [[nodiscard]] std::string dataset(int id) const {
        const auto all = ours();
        const auto found = std::ranges::find_if(
            all, [&](const auto& name) { return name.ends_with("-" + std::to_string(id)); });
        return found == all.end() ? "absent" : *found;
    }
    void hold(const std::string& snapshot) {
        os::run_zfs({"hold", "brigtest", snapshot});
        held_.push_back(snapshot);
    }
    static void let_go(const std::string& snapshot) {
        try {
            os::run_zfs({"release", "brigtest", snapshot});
        } catch (const Error&) {
            // Let go before.
        }
    }
    /// Whether no dataset is left, in the end.
    [[nodiscard]] bool all_gone() const {
        for (int i = 0; i < 100 && !ours().empty(); ++i) std::this_thread::sleep_for(100ms);
        return ours().empty();
    }

    TempDir work_{fs::temp_directory_path(), "brig-zfs-test"};
    std::string base_;
    std::vector<std::string> held_;
    std::atomic<int> processes_ = 0;
    std::unique_ptr<Snapshotter> driver_;
};

TEST_F(ZfsTest, AHeldSnapshotGoesWhenItIsLetGo) {
    driver_->prepare("a", std::nullopt);
    driver_->commit("base", "a");
    hold(dataset(1) + "@clean");
    driver_->remove("base");
    EXPECT_FALSE(driver_->stat("base"));
    EXPECT_NE(dataset(1), "absent") << "this test shows nothing";
    let_go(held_.front());
    EXPECT_TRUE(all_gone());
}

TEST_F(ZfsTest, AParentGoesAfterAChildThatCouldNot) {
    driver_->prepare("a", std::nullopt);
    driver_->commit("base", "a");
    driver_->prepare("b", "base");
    driver_->commit("child", "b");
    hold(dataset(2) + "@clean");
    driver_->remove("child");
    driver_->remove("base");
    EXPECT_THAT(ours(), ::testing::Contains(dataset(1)));
    let_go(held_.front());
    EXPECT_TRUE(all_gone());
}

TEST_F(ZfsTest, WhatIsInUseGoesAfterwards) {
    bool busy = false;
    driver_->prepare("a", std::nullopt);
    {
        // As a process that is in it. Not an open file: zfs-fuse then comes to a stop.
        const Fd inside = open_file((work_.path() / "snapshots-mounts/1").string(), O_PATH);
        driver_->remove("a");
        busy = dataset(1) != "absent";
    }
    EXPECT_TRUE(all_gone());
    if (!busy) GTEST_SKIP() << "nothing is in the way of a forced unmount here";
}

TEST_F(ZfsTest, ALeftoverOfTheLastRunIsNotInTheWay) {
    driver_->prepare("a", std::nullopt);
    driver_->commit("base", "a");
    hold(dataset(1) + "@clean");
    driver_->remove("base");
    open();
    EXPECT_NE(dataset(1), "absent");
    driver_->prepare("new", std::nullopt);
    EXPECT_NE(dataset(2), "absent") << "a number of its own";
    let_go(held_.front());
    driver_->remove("new");
    EXPECT_TRUE(all_gone());
}

/// zfs(8) fails as it does for a dataset that was never made.
TEST_F(ZfsTest, WhatIsNotThereIsNoLeftover) {
    driver_ = make_zfs(work_.path() / "failing", [this](const auto& words) {
        ++processes_;
        if (words.front() == "create") throw Error(ErrorKind::internal, "out of space");
        return os::run_zfs(words);
    });
    EXPECT_THROW(driver_->prepare("a", std::nullopt), Error);
    const int processes = processes_;
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(processes_, processes) << "nothing is tried again";
    open();
}

TEST_F(ZfsTest, AnUnfinishedCommitsSnapshotIsNotInTheWayThoughHeld) {
    driver_->prepare("a", std::nullopt);
    os::run_zfs({"snapshot", dataset(1) + "@clean"});
    hold(dataset(1) + "@clean");
    held_.clear();
    fs::create_directory(work_.path() / "snapshots-mounts/1/later");
    driver_->commit("base", "a");
    driver_->prepare("b", "base");
    EXPECT_TRUE(fs::exists(work_.path() / "snapshots-mounts/2/later"));
    for (const auto& name : ours()) {
        if (name.find("@stale-") != std::string::npos) let_go(name);
    }
    for (const auto& name : ours())
        EXPECT_EQ(name.find("@stale-"), std::string::npos) << "deferred, so it goes when let go";
}

/// Attributes that are files of their own leave the file as old as it was. FreeBSD 14 has them so
/// if it is not told otherwise.
TEST_F(ZfsTest, AttributesAreToldWhateverThePoolHasThemAs) {
    try {
        os::run_zfs({"set", "xattr=dir", base_});
    } catch (const Error&) {
        GTEST_SKIP() << "this ZFS has them in one way only";
    }
    const Defer restore([&] { os::run_zfs({"inherit", "xattr", base_}); });
    const auto set = [&](int id, const char* value) {
        const auto path = work_.path() / "snapshots-mounts" / std::to_string(id);
        const Fd directory = open_file(path.string(), O_RDONLY | O_DIRECTORY);
        fs::create_directory(path / "d");
        return os::set_xattr(directory.get(), "d", "user.brig", value);
    };
    driver_->prepare("a", std::nullopt);
    ASSERT_TRUE(set(1, "one"));
    driver_->commit("base", "a");
    driver_->prepare("b", "base");
    ASSERT_TRUE(set(2, "two"));
    EXPECT_EQ(archive::layer_changes(driver_->tree("b")).size(), 1U);
}

TEST_F(ZfsTest, UsagesOfManyAreOneProcess) {
    std::vector<std::string> keys;
    for (int i = 0; i < 8; ++i) {
        keys.push_back("c" + std::to_string(i));
        driver_->prepare(keys.back(), std::nullopt);
    }
    processes_ = 0;
    for (const auto& key : keys) EXPECT_GT(driver_->usage(key).bytes, 0U) << key;
    EXPECT_EQ(processes_, 1);
    driver_->prepare("new", std::nullopt);
    EXPECT_GT(driver_->usage("new").bytes, 0U);
}

TEST_F(ZfsTest, WhatIsRemovedWhileItsUsageIsAskedIsNotFound) {
    bool removes = false;
    driver_.reset();
    driver_ = make_zfs(work_.path() / "snapshots", [&](const auto& words) {
        if (words.front() == "get" && std::exchange(removes, false)) {
            driver_->remove("a");
            EXPECT_TRUE(all_gone()) << "this test shows nothing";
        }
        return os::run_zfs(words);
    });
    driver_->prepare("a", std::nullopt);
    removes = true;
    EXPECT_EQ(brig::test::error_of([&] { driver_->usage("a"); }).kind(), ErrorKind::not_found);
    open();
}

}  // namespace
}  // namespace brig::snapshot
