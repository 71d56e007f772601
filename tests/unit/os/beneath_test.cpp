// Paths beneath a root: the kernel's way and the portable walk must agree.
#include "os/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace brig::os {
namespace {

namespace fs = std::filesystem;
using Open = Fd (*)(int, const std::string&, int, mode_t);

class BeneathTest : public ::testing::TestWithParam<Open> {
protected:
    void SetUp() override {
        fs::create_directories(root_ / "etc/deep");
        write_file_atomic(root_ / "etc/passwd", "inside");
        write_file_atomic(directory_.path() / "canary", "outside");
        fs::create_symlink("/etc", root_ / "absolute");
        fs::create_symlink("../../../etc", root_ / "etc/up");
        fs::create_symlink("../../canary", root_ / "canary_link");
        fs::create_symlink("loop", root_ / "loop");
        fs::create_symlink("made/later", root_ / "dangling");
        root_fd_ = open_file(root_.string(), O_RDONLY | O_DIRECTORY);
    }
    std::string read(const std::string& path) {
        const Fd file = GetParam()(root_fd_.get(), path, O_RDONLY, 0);
        return read_to_end(file.get(), 100);
    }
    int error(const std::string& path, int flags = O_RDONLY) {
        try {
            (void)GetParam()(root_fd_.get(), path, flags, 0600);
        } catch (const SysError& e) {
            return e.error_number();
        }
        return 0;
    }

    TempDir directory_{"/tmp", "brig-beneath"};
    fs::path root_ = directory_.path() / "root";
    Fd root_fd_;
};

TEST_P(BeneathTest, ResolvesAsAChrootWould) {
    for (const char* path :
         {"etc/passwd", "/etc/passwd", "absolute/passwd", "../../etc/passwd", "etc/up/passwd",
          "etc/deep/../passwd", "absolute/../etc/./passwd", "etc//passwd"}) {
        EXPECT_EQ(read(path), "inside") << path;
    }
    EXPECT_EQ(error("canary_link"), ENOENT);
    EXPECT_EQ(error("../canary"), ENOENT);
    EXPECT_EQ(error("loop"), ELOOP);
    EXPECT_EQ(error("etc/passwd/x"), ENOTDIR);
    EXPECT_EQ(error("absolute", O_RDONLY | O_NOFOLLOW), ELOOP);
    EXPECT_EQ(error("/", O_RDONLY | O_DIRECTORY), 0);
    EXPECT_EQ(error("..", O_RDONLY | O_DIRECTORY), 0);
    EXPECT_EQ(error("absolute/new", O_WRONLY | O_CREAT | O_EXCL), 0);
    EXPECT_TRUE(fs::exists(root_ / "etc/new"));
}

INSTANTIATE_TEST_SUITE_P(Ways, BeneathTest, ::testing::Values(&open_in_root, &walk_in_root),
                         [](const auto& test) { return test.index == 0 ? "kernel" : "walk"; });

using BeneathMakeTest = BeneathTest;
TEST_P(BeneathMakeTest, MakesDirectoriesWithinTheRoot) {
    make_directories_in_root(root_fd_.get(), "/a/b/../c");
    EXPECT_TRUE(fs::is_directory(root_ / "a/c"));
    make_directories_in_root(root_fd_.get(), "absolute/x/y");
    EXPECT_TRUE(fs::is_directory(root_ / "etc/x/y"));
    make_directories_in_root(root_fd_.get(), "dangling/z");
    EXPECT_TRUE(fs::is_directory(root_ / "made/later/z"));
    make_directories_in_root(root_fd_.get(), "../../../out");
    EXPECT_FALSE(fs::exists(directory_.path() / "out"));
    EXPECT_TRUE(fs::is_directory(root_ / "out"));
    EXPECT_THROW(make_directories_in_root(root_fd_.get(), "etc/passwd/x"), SysError);

    const auto [parent, name] = open_parent_in_root(root_fd_.get(), "/absolute/passwd");
    EXPECT_EQ(name, "passwd");
    EXPECT_EQ(read_to_end(open_at(parent.get(), name, O_RDONLY).get(), 100), "inside");
    EXPECT_EQ(open_parent_in_root(root_fd_.get(), "canary_link").second, "canary_link");
    EXPECT_EQ(open_parent_in_root(root_fd_.get(), "/").second, ".");
}
INSTANTIATE_TEST_SUITE_P(Walk, BeneathMakeTest, ::testing::Values(&walk_in_root));

}  // namespace
}  // namespace brig::os
