// What every snapshotter must do with snapshots, after the cases of containerd's suite. A
// platform's own driver joins by a name in support/drivers.h.
#include "snapshot/snapshotter.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <map>
#include <thread>

#include "base/random.h"
#include "fixture.h"

namespace brig::snapshot {
namespace {

using ::testing::UnorderedElementsAre;

TEST_P(SnapshotContract, LayersStack) {
    layer("one", std::nullopt, [](const fs::path& root) {
        put(root / "a", "1");
        put(root / "d/x", "1");
    });
    layer("two", "one", [](const fs::path& root) {
        put(root / "a", "2");
        put(root / "b", "2");
    });
    driver_->prepare("top", "two");
    EXPECT_EQ(content("top", "a"), "2");
    EXPECT_EQ(content("top", "b"), "2");
    EXPECT_EQ(content("top", "d/x"), "1");
    driver_->prepare("below", "one");
    EXPECT_EQ(content("below", "a"), "1");
    EXPECT_EQ(content("below", "b"), "absent");
}

TEST_P(SnapshotContract, ChangesStayInTheirSnapshot) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "base"); });
    driver_->prepare("c1", "base");
    driver_->prepare("c2", "base");
    change("c1", [](const fs::path& root) { put(root / "a", "c1"); });
    EXPECT_EQ(content("c1", "a"), "c1");
    EXPECT_EQ(content("c2", "a"), "base");
}

TEST_P(SnapshotContract, ViewsAreReadOnly) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    layer("two", "base", [](const fs::path& root) { put(root / "b", "y"); });
    const Mounted mounted(driver_->prepare("view", "two", Kind::view), work_.path() / "view");
    ASSERT_TRUE(mounted.ok());
    EXPECT_EQ(read_file(mounted.path("a")), "x");
    EXPECT_EQ(read_file(mounted.path("b")), "y");
    EXPECT_THROW(put(mounted.path("c"), "z"), Error);
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "view"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(driver_->stat("view")->kind, Kind::view);
}

TEST_P(SnapshotContract, StatTellsKindAndParent) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("c", "base");
    EXPECT_EQ(driver_->stat("base")->kind, Kind::committed);
    EXPECT_FALSE(driver_->stat("base")->parent);
    EXPECT_EQ(driver_->stat("c")->kind, Kind::active);
    EXPECT_EQ(driver_->stat("c")->parent, "base");
    EXPECT_FALSE(driver_->stat("base-active")) << "commit takes the key away";
    EXPECT_FALSE(driver_->stat("nothing"));
    std::vector<std::string> keys;
    for (const auto& info : driver_->list()) keys.push_back(info.key);
    EXPECT_THAT(keys, UnorderedElementsAre("probe", "base", "c"));
}

TEST_P(SnapshotContract, ParentsOfParentsAreTold) {
    layer("one", std::nullopt, [](const fs::path& root) { put(root / "a", "1"); });
    layer("two", "one", [](const fs::path& root) { put(root / "a", "1 2"); });
    driver_->prepare("three", "two");
    EXPECT_EQ(driver_->stat("three")->parent, "two");
    EXPECT_EQ(driver_->stat(*driver_->stat("three")->parent)->parent, "one");
    EXPECT_FALSE(driver_->stat("one")->parent);
    std::map<std::string, Kind> kinds;
    for (const auto& info : driver_->list()) {
        const auto again = driver_->stat(info.key);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->parent, info.parent);
        EXPECT_EQ(again->created, info.created);
        EXPECT_GT(info.created, Instant{});
        kinds.emplace(info.key, info.kind);
    }
    EXPECT_EQ(kinds.size(), 4U);
    EXPECT_EQ(kinds.at("two"), Kind::committed);
    EXPECT_EQ(kinds.at("three"), Kind::active);
}

TEST_P(SnapshotContract, AKeyIsTakenByAnyKind) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("active", "base");
    driver_->prepare("view", "base", Kind::view);
    for (const char* key : {"active", "view", "base"}) {
        for (const Kind kind : {Kind::active, Kind::view}) {
            EXPECT_EQ(kind_of([&] { driver_->prepare(key, "base", kind); }),
                      ErrorKind::already_exists)
                << key;
        }
    }
    driver_->remove("active");
    driver_->prepare("active", "base", Kind::view);
    EXPECT_EQ(driver_->stat("active")->kind, Kind::view);
}

TEST_P(SnapshotContract, ALimitHoldsOrIsRefusedByName) {
    constexpr std::uint64_t limit = 8U << 20U;
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    const std::string driver = GetParam();
    try {
        driver_->prepare("small", "base", Kind::active, limit);
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::invalid_argument);
        EXPECT_NE(e.message().find("driver " + driver), std::string::npos) << e.message();
        EXPECT_TRUE(driver == "overlay" || driver == "copy") << e.message();
        EXPECT_FALSE(driver_->stat("small"));
        return;
    }
    const Mounted mounted(driver_->mounts("small"), work_.path() / "mnt");
    const Fd file = open_file(mounted.path("big").string(), O_WRONLY | O_CREAT, 0600);
    std::string noise;
    while (noise.size() < 1U << 20U) noise += random_hex(256);
    std::uint64_t written = 0;
    for (int failure = 0; failure == 0 && written < 4 * limit;) {
        const auto n = ::write(file.get(), noise.data(), noise.size());
        if (n > 0) written += static_cast<std::uint64_t>(n);
        // Both count when they write, not when they are told to.
        if (n < 0 || ::fsync(file.get()) != 0) failure = errno;
        if (failure != 0) {
            EXPECT_TRUE(failure == EDQUOT || failure == ENOSPC) << failure;
        }
    }
    EXPECT_LE(written, 2 * limit);
    EXPECT_EQ(read_file(mounted.path("a")), "x");
}

TEST_P(SnapshotContract, NeighboursOnOneFileSystemDoNotMeet) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "mine"); });
    const auto neighbour = make_snapshotter(GetParam(), work_.path() / "other");
    neighbour->prepare("base", std::nullopt);
    neighbour->remove("base");
    open();
    driver_->prepare("c", "base");
    EXPECT_EQ(content("c", "a"), "mine");
}

TEST_P(SnapshotContract, BadCallsAreNamed) {
    layer("base", std::nullopt, [](const fs::path&) {});
    driver_->prepare("c", "base");
    EXPECT_EQ(kind_of([&] { driver_->prepare("c", "base"); }), ErrorKind::already_exists);
    EXPECT_EQ(kind_of([&] { driver_->prepare("base", std::nullopt); }), ErrorKind::already_exists);
    EXPECT_EQ(kind_of([&] { driver_->prepare("d", "nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->prepare("d", "c"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->mounts("nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->mounts("base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->commit("base", "c"); }), ErrorKind::already_exists);
    EXPECT_TRUE(driver_->stat("c")) << "a failed commit keeps the active snapshot";
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->commit("x", "nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->remove("nothing"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->remove("base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->prepare("", "base"); }), ErrorKind::invalid_argument);
    EXPECT_EQ(kind_of([&] { driver_->prepare("a\nb", "base"); }), ErrorKind::invalid_argument);
}

TEST_P(SnapshotContract, GetsAParentLaterWhereItCan) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "base"); });
    driver_->prepare("beside", std::nullopt);
    change("beside", [](const fs::path& root) { put(root / "b", "beside"); });
    if (!driver_->can_rebase()) {
        EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "base"); }), ErrorKind::not_implemented);
        return;
    }
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "absent"); }), ErrorKind::not_found);
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "probe"); }), ErrorKind::failed_precondition);
    driver_->rebase("beside", "base");
    EXPECT_EQ(kind_of([&] { driver_->rebase("beside", "base"); }), ErrorKind::failed_precondition);
    EXPECT_EQ(kind_of([&] { driver_->remove("base"); }), ErrorKind::failed_precondition);
    open();
    driver_->commit("top", "beside");
    EXPECT_EQ(driver_->stat("top")->parent, "base");
    driver_->prepare("child", "top");
    EXPECT_EQ(content("child", "a"), "base");
    EXPECT_EQ(content("child", "b"), "beside");
}

TEST_P(SnapshotContract, RemovalGoesFromTheTop) {
    layer("one", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    layer("two", "one", [](const fs::path&) {});
    EXPECT_EQ(kind_of([&] { driver_->remove("one"); }), ErrorKind::failed_precondition);
    driver_->remove("two");
    driver_->remove("one");
    driver_->remove("probe");
    EXPECT_TRUE(driver_->list().empty());
    EXPECT_TRUE(fs::is_empty(work_.path() / "snapshots"));
}

TEST_P(SnapshotContract, SurvivesReopening) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    driver_->prepare("c", "base");
    change("c", [](const fs::path& root) { put(root / "b", "y"); });
    open();
    EXPECT_EQ(content("c", "a"), "x");
    EXPECT_EQ(content("c", "b"), "y");
    driver_->commit("next", "c");
    open();
    EXPECT_EQ(driver_->stat("next")->kind, Kind::committed);
}

TEST_P(SnapshotContract, UsageIsOfTheSnapshotAlone) {
    // Nothing that a file system would compress.
    layer("base", std::nullopt, [](const fs::path& root) {
        std::string text;
        while (text.size() < 4U << 20U) text += random_hex(256);
        put(root / "a", text);
    });
    // ZFS counts blocks when they are written, some seconds later.
    for (int i = 0; i < 200 && driver_->usage("base").bytes < 1U << 20U; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_GE(driver_->usage("base").bytes, 1U << 20U);
    EXPECT_GE(driver_->usage("base").inodes, 1U);
    driver_->prepare("above", "base");
    EXPECT_LT(driver_->usage("above").bytes, 1U << 20U);
    EXPECT_EQ(kind_of([&] { driver_->usage("nothing"); }), ErrorKind::not_found);
}

TEST_P(SnapshotContract, ManyLayers) {
    std::optional<std::string> parent;
    for (int i = 0; i < 128; ++i) {
        const std::string name = "l" + std::to_string(i);
        layer(name, parent,
              [&](const fs::path& root) { put(root / ("f" + std::to_string(i)), "x"); });
        parent = name;
    }
    driver_->prepare("c", parent);
    EXPECT_EQ(content("c", "f0"), "x");
    EXPECT_EQ(content("c", "f127"), "x");
}

TEST_P(SnapshotContract, WhatNeedNotLastIsMountedAgainLikeTheRest) {
    layer("base", std::nullopt, [](const fs::path& root) { put(root / "a", "x"); });
    driver_->prepare("c", "base");
    for (const char* text : {"1", "2"}) {
        const Mounted mounted(driver_->mounts("c", Durability::rebuildable), work_.path() / "mnt");
        ASSERT_TRUE(mounted.ok()) << text;
        put(mounted.path("b"), text);
    }
    EXPECT_EQ(content("c", "b"), "2");
    EXPECT_EQ(content("c", "a"), "x");
}

TEST_P(SnapshotContract, ThreadsDoNotMeet) {
    layer("base", std::nullopt, [](const fs::path&) {});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20; ++i) {
                const std::string key = std::to_string(t) + "-" + std::to_string(i);
                driver_->prepare(key, "base");
                if (i % 2 == 0) driver_->remove(key);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(driver_->list().size(), 42U);
}

INSTANTIATE_TEST_SUITE_P(Drivers, SnapshotContract, ::testing::ValuesIn(brig::testing::drivers()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace brig::snapshot
