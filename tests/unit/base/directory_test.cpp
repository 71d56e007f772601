// Trees are removed whatever is in them, and nothing beside them.
#include "base/directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"

namespace brig {
namespace {

namespace fs = std::filesystem;

class RemoveTree : public ::testing::Test {
protected:
    TempDir dir_{fs::temp_directory_path(), "brig-directory-test"};
    fs::path tree_ = dir_.path() / "tree";
};

TEST_F(RemoveTree, LinksAreNotFollowed) {
    fs::create_directories(dir_.path() / "other");
    fs::create_directories(tree_ / "a/b");
    write_file_atomic(dir_.path() / "other/file", "x");
    write_file_atomic(tree_ / "a/b/file", "x");
    fs::create_directory_symlink("../../other", tree_ / "a/link");
    remove_tree(tree_);
    EXPECT_FALSE(fs::exists(tree_));
    EXPECT_EQ(read_file(dir_.path() / "other/file"), "x");
    fs::create_directory_symlink("other", tree_);
    remove_tree(tree_);
    EXPECT_FALSE(fs::exists(fs::symlink_status(tree_)));
    EXPECT_EQ(read_file(dir_.path() / "other/file"), "x");
    remove_tree(tree_);  // absent is fine
}

TEST_F(RemoveTree, DepthHasNoEnd) {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    few.rlim_cur = 400;
    ::setrlimit(RLIMIT_NOFILE, &few);
    fs::create_directory(tree_);
    write_file_atomic(tree_ / ".deep-0", "in the way");
    fs::create_directories(tree_ / ".deep-1/x");
    Fd at = open_file(tree_.string(), O_RDONLY | O_DIRECTORY);
    for (int level = 0; level < 3000; ++level) {
        ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
        ASSERT_EQ(::mkdirat(at.get(), "e", 0755), 0);
        at = open_at(at.get(), "d", O_RDONLY | O_DIRECTORY);
    }
    EXPECT_NO_THROW(remove_tree(tree_));
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(RemoveTree, FailuresNameTheTree) {
    write_file_atomic(dir_.path() / "file", "x");
    try {
        remove_tree(dir_.path() / "file" / "x");
        FAIL() << "nothing thrown";
    } catch (const Error& e) {
        EXPECT_NE(std::string(e.message()).find((dir_.path() / "file").string()), std::string::npos)
            << e.message();
    }
}

}  // namespace
}  // namespace brig
