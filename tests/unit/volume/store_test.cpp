#include "volume/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace brig::volume {
namespace {

namespace fs = std::filesystem;

class StoreTest : public ::testing::Test {
protected:
    static std::string failure(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error.message();
        }
        return "none";
    }
    TempDir temp_{fs::temp_directory_path(), "brig-volume"};
    fs::path root_ = temp_.path() / "volumes";
    Store store_{root_};
};

TEST_F(StoreTest, CreateIsIdempotent) {
    const auto made = store_.create({.name = "data", .labels = {{"a", "1"}}});
    EXPECT_EQ(made.mountpoint, root_ / "data" / "_data");
    write_file_atomic(made.mountpoint / "file", "x");
    const auto again = store_.create({.name = "data", .labels = {{"a", "2"}}});
    EXPECT_EQ(again.labels.at("a"), "1");
    EXPECT_EQ(again.created, made.created);
    EXPECT_EQ(store_.usage("data"), 1U);
    EXPECT_EQ(Store(root_).inspect("data").labels.at("a"), "1");
}

TEST_F(StoreTest, AnonymousVolumesHaveRandomNames) {
    const auto one = store_.create({});
    const auto two = store_.create({});
    EXPECT_NE(one.name, two.name);
    EXPECT_EQ(one.name.size(), 64U);
    EXPECT_TRUE(one.anonymous);
    EXPECT_TRUE(store_.inspect(one.name).anonymous);
    EXPECT_EQ(store_.list().size(), 2U);
}

TEST_F(StoreTest, HostileNamesAreRefusedInDockersWords) {
    for (const auto* bad :
         {"..", "../x", "a/b", ".hidden", "-rf", "a b", "a\nb", "a@b", "ä1", "%2e%2e", "_x"}) {
        const auto text = failure([&] { store_.create({.name = bad}); });
        EXPECT_NE(text.find("includes invalid characters for a local volume name"),
                  std::string::npos)
            << bad << ": " << text;
        EXPECT_FALSE(store_.find(bad)) << bad;
        EXPECT_THROW(store_.remove(bad), Error) << bad;
    }
    EXPECT_EQ(failure([&] { store_.create({.name = "a"}); }),
              "volume name is too short, names should be at least two alphanumeric characters");
    EXPECT_THROW(store_.create({.name = std::string(256, 'a')}), Error);
    EXPECT_TRUE(store_.list().empty());
}

TEST_F(StoreTest, MissingVolumesAndDrivers) {
    EXPECT_EQ(failure([&] { (void)store_.inspect("none"); }), "get none: no such volume");
    EXPECT_EQ(failure([&] { store_.remove("none"); }), "get none: no such volume");
    EXPECT_EQ(failure([&] { store_.create({.name = "xx", .driver = "nfs"}); }),
              "error looking up volume plugin nfs: plugin \"nfs\" not found");
}

TEST_F(StoreTest, RemoveDoesNotFollowLinks) {
    const auto canary = temp_.path() / "canary";
    write_file_atomic(canary, "alive");
    const auto volume = store_.create({.name = "data"});
    fs::create_symlink(temp_.path(), volume.mountpoint / "out");
    store_.remove("data");
    EXPECT_FALSE(store_.find("data"));
    EXPECT_EQ(read_file(canary), "alive");
    EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(StoreTest, StartFinishesWhatAKilledEngineLeft) {
    store_.create({.name = "data"});
    fs::create_directories(root_ / ".new-abc" / "_data");
    fs::rename(root_ / "data", root_ / ".removed-abc");
    const Store again(root_);
    EXPECT_TRUE(again.list().empty());
    EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(StoreTest, LostMetadataKeepsTheData) {
    const auto volume = store_.create({.name = "data"});
    write_file_atomic(root_ / "data" / "volume.json", "");
    EXPECT_EQ(store_.inspect("data").mountpoint, volume.mountpoint);
}

}  // namespace
}  // namespace brig::volume
