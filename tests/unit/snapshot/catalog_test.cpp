// What a crash can leave, and what opening a driver makes of it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/file.h"
#include "snapshot/snapshotter.h"

namespace brig::snapshot {
namespace {

namespace fs = std::filesystem;

class CatalogTest : public ::testing::Test {
protected:
    std::unique_ptr<Snapshotter> open() { return make_snapshotter("overlay", directory_.path()); }
    std::size_t directories() {
        std::size_t n = 0;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory_.path())) ++n;
        return n;
    }
    TempDir directory_{"/tmp", "brig-catalog"};
};

TEST_F(CatalogTest, HalfMadeSnapshotsAreRemoved) {
    {
        const auto driver = open();
        driver->prepare("base", std::nullopt);
        driver->commit("layer", "base");
        driver->prepare("c1", "layer");
    }
    fs::create_directories(directory_.path() / "7" / "fs");  // killed before meta was written
    fs::create_directories(directory_.path() / "8" / "fs");
    std::ofstream(directory_.path() / "8" / "meta") << "active\nx\n";  // power loss cut it short
    fs::create_directories(directory_.path() / "rm-3" / "fs" / "x");   // killed while removing
    fs::create_directories(directory_.path() / "9");
    std::ofstream(directory_.path() / "9" / "meta")
        << "active\norphan\n4711\n0\nend\n";  // parent is gone
    const auto driver = open();
    EXPECT_EQ(directories(), 2U);
    EXPECT_EQ(driver->list().size(), 2U);
    EXPECT_EQ(driver->stat("c1")->parent, "layer");
    EXPECT_FALSE(driver->stat("orphan"));
    driver->prepare("c2", "layer");
    EXPECT_TRUE(fs::exists(directory_.path() / "10" / "fs")) << "numbers are not used again";
}

TEST_F(CatalogTest, CommitIsWholeOrNotAtAll) {
    {
        const auto driver = open();
        driver->prepare("a", std::nullopt);
        // What a kill during commit leaves: the new meta under its temporary name.
        std::ofstream(directory_.path() / "1" / "meta.abcdef") << "committed\nlayer\n-\n0\nend\n";
    }
    const auto driver = open();
    EXPECT_EQ(driver->stat("a")->kind, Kind::active);
    EXPECT_FALSE(driver->stat("layer"));
}

TEST_F(CatalogTest, OverlayMountNamesAllLayers) {
    const auto driver = open();
    driver->prepare("a", std::nullopt);
    driver->commit("l1", "a");
    driver->prepare("b", "l1");
    driver->commit("l2", "b");
    const auto mounts = driver->prepare("c", "l2");
    ASSERT_EQ(mounts.size(), 1U);
    EXPECT_EQ(mounts[0].type, "overlay");
    const std::string root = directory_.path().string();
    EXPECT_EQ(mounts[0].options.back(), "lowerdir=" + root + "/2/fs:" + root + "/1/fs");
    EXPECT_EQ(mounts, driver->mounts("c"));
    const auto view = driver->prepare("v", "l1", Kind::view);
    EXPECT_EQ(view[0].type, "bind");
    EXPECT_EQ(view[0].source, root + "/1/fs");
}

TEST_F(CatalogTest, UnknownDriverAndAwkwardRoots) {
    EXPECT_THROW(make_snapshotter("floppy", directory_.path()), Error);
    EXPECT_THROW(make_snapshotter("overlay", directory_.path() / "a:b"), Error);
}

}  // namespace
}  // namespace brig::snapshot
