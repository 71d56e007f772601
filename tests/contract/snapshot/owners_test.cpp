// Every snapshotter with its files in a user namespace's numbers.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layer.h"
#include "fixture.h"
#include "support/tar_builder.h"

namespace brig::snapshot {
namespace {

using brig::testing::TarBuilder;

struct stat look(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
}

TEST_P(SnapshotContract, OwnersThroughLayersAndBack) {
    driver_ = with_owners(std::move(driver_),
                          archive::OwnerMap({{0, 100000, 65536}}, {{0, 200000, 65536}}));
    const auto tar = TarBuilder().file("d/f", "x", {.uid = 5, .gid = 6}).finish();
    driver_->prepare("a", std::nullopt);
    archive::apply_tar(*archive::from_memory(tar), driver_->tree("a"));
    driver_->commit("base", "a");
    layer("top", "base", [](const fs::path& root) {
        // Of the root itself, which the archive does not name, and of what nobody names in it.
        EXPECT_EQ(look(root).st_uid, 100000U);
        EXPECT_EQ(look(root).st_gid, 200000U);
        EXPECT_EQ(look(root / "d").st_gid, 200000U);
        EXPECT_EQ(look(root / "d/f").st_uid, 100005U);
        put(root / "d/made", "y");
        ASSERT_EQ(::chown((root / "d/made").c_str(), 100007, 200008), 0);
    });
    std::string written;
    archive::write_layer(driver_->tree("top"), [&](std::span<const std::byte> data) {
        written.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    const Fd plain = open_file(work_.path().string(), O_RDONLY | O_DIRECTORY);
    fs::create_directory(work_.path() / "plain");
    archive::apply_tar(*archive::from_memory(written),
                       {.root = open_at(plain.get(), "plain", O_RDONLY | O_DIRECTORY)});
    EXPECT_EQ(look(work_.path() / "plain/d/made").st_uid, 7U);
    EXPECT_EQ(look(work_.path() / "plain/d/made").st_gid, 8U);
    EXPECT_EQ(look(work_.path() / "plain/d").st_uid, 0U);
}

TEST_P(SnapshotContract, OwnersWithoutARootAreRefused) {
    EXPECT_EQ(kind_of([&] {
                  with_owners(make_snapshotter(GetParam(), work_.path() / "more"),
                              archive::OwnerMap({{1, 1000, 10}}, {{1, 1000, 10}}));
              }),
              ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace brig::snapshot
