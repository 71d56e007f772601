// What an image has where a volume is mounted ends up in the volume, and nothing else does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "os/xattr.h"
#include "volume/store.h"

namespace brig::volume {
namespace {

namespace fs = std::filesystem;

class CopyUpTest : public ::testing::Test {
protected:
    CopyUpTest() {
        fs::create_directories(image_ / "srv/www/sub");
        write_file_atomic(image_ / "srv/www/index", "hello", 0640);
        data_ = store_.create({.name = "data"}).mountpoint;
    }
    bool copy(const std::string& path) {
        return store_.copy_up("data", open_file(image_, O_RDONLY | O_DIRECTORY).get(), path);
    }
    static struct stat status(const fs::path& path) {
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) throw SysError("lstat {}", path.native());
        return info;
    }

    TempDir temp_{fs::temp_directory_path(), "brig-volume"};
    fs::path image_ = temp_.path() / "image";
    Store store_{temp_.path() / "volumes"};
    fs::path data_;
};

TEST_F(CopyUpTest, KeepsModesTimesAndLinks) {
    fs::create_symlink("/etc/passwd", image_ / "srv/www/link");
    fs::create_hard_link(image_ / "srv/www/index", image_ / "srv/www/sub/same");
    ASSERT_EQ(::mkfifo((image_ / "srv/www/pipe").c_str(), 0600), 0);
    ASSERT_EQ(::chmod((image_ / "srv/www/sub").c_str(), 01777), 0);
    ASSERT_EQ(::chmod((image_ / "srv/www").c_str(), 0750), 0);
    const timespec past[2] = {{1000, 0}, {2000, 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (image_ / "srv/www/sub").c_str(), past, 0), 0);

    EXPECT_TRUE(copy("/srv/www"));
    EXPECT_EQ(read_file(data_ / "index"), "hello");
    EXPECT_EQ(status(data_ / "index").st_mode & 07777U, 0640U);
    EXPECT_EQ(fs::read_symlink(data_ / "link"), "/etc/passwd");
    EXPECT_EQ(status(data_ / "index").st_ino, status(data_ / "sub/same").st_ino);
    EXPECT_TRUE(S_ISFIFO(status(data_ / "pipe").st_mode));
    EXPECT_EQ(status(data_ / "sub").st_mode & 07777U, 01777U);
    EXPECT_EQ(status(data_ / "sub").st_mtim.tv_sec, 2000);
    EXPECT_EQ(status(data_).st_mode & 07777U, 0750U) << "of the directory itself";
}

TEST_F(CopyUpTest, KeepsOwnersAndAttributes) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to give files away";
    const auto file = image_ / "srv/www/index";
    ASSERT_EQ(::chown(file.c_str(), 123, 456), 0);
    ASSERT_EQ(::chmod(file.c_str(), 04755), 0);
    const auto from = open_file((image_ / "srv/www").string(), O_RDONLY | O_DIRECTORY);
    const bool attributes = os::set_xattr(from.get(), "index", "user.colour", "red");
    ASSERT_EQ(::chown((image_ / "srv/www").c_str(), 7, 8), 0);
    EXPECT_TRUE(copy("/srv/www"));
    const auto info = status(data_ / "index");
    EXPECT_EQ(info.st_uid, 123U);
    EXPECT_EQ(info.st_gid, 456U);
    EXPECT_EQ(info.st_mode & 07777U, 04755U);
    EXPECT_EQ(status(data_).st_uid, 7U);
    const auto to = open_file(data_.string(), O_RDONLY | O_DIRECTORY);
    if (attributes) {
        EXPECT_EQ(os::get_xattr(to.get(), "index", "user.colour"), "red");
    }
}

TEST_F(CopyUpTest, OnlyIntoAnEmptyVolume) {
    write_file_atomic(data_ / "mine", "x");
    EXPECT_FALSE(copy("/srv/www"));
    EXPECT_FALSE(fs::exists(data_ / "index"));
}

TEST_F(CopyUpTest, AbsentOrNoDirectoryIsNothing) {
    EXPECT_FALSE(copy("/nowhere"));
    EXPECT_FALSE(copy("/srv/www/index"));
    EXPECT_TRUE(fs::is_empty(data_));
}

TEST_F(CopyUpTest, LinksStayBeneathTheImage) {
    const auto secret = temp_.path() / "secret";
    fs::create_directories(secret);
    write_file_atomic(secret / "key", "k");
    fs::create_symlink("../../../../../../../.." + secret.native(), image_ / "relative");
    fs::create_symlink(secret, image_ / "absolute");
    fs::create_symlink("/srv/www", image_ / "inside");
    for (const auto* path : {"/relative", "/absolute", "/../secret", "/srv/../../secret"}) {
        EXPECT_FALSE(copy(path)) << path;
        EXPECT_TRUE(fs::is_empty(data_)) << path;
    }
    EXPECT_TRUE(copy("/inside"));
    EXPECT_TRUE(fs::exists(data_ / "index"));
}

TEST_F(CopyUpTest, AnInterruptedCopyIsDoneAgain) {
    write_file_atomic(data_ / "half", "x");
    write_file_atomic(data_.parent_path() / "filling", "");
    EXPECT_TRUE(copy("/srv/www"));
    EXPECT_FALSE(fs::exists(data_ / "half"));
    EXPECT_EQ(read_file(data_ / "index"), "hello");
    EXPECT_FALSE(copy("/srv/www"));
}

}  // namespace
}  // namespace brig::volume
