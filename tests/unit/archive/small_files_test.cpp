// Small files are made later and by others than the reader of the archive: nobody can tell,
// whatever comes after them.
#include <sys/mount.h>

#include "fixture.h"
#include "os/sandbox.h"

namespace brig::archive {
namespace {

constexpr int many = 3000;  // enough for the threads to be at work

/// Small files in `tar`, some per directory.
void add_many(TarBuilder& tar) {
    for (int i = 0; i < many; ++i) {
        if (i % 100 == 0) tar.directory("many/d" + std::to_string(i / 100));
        tar.file("many/d" + std::to_string(i / 100) + "/f" + std::to_string(i), std::to_string(i),
                 {.mode = 0640U + (i % 2), .uid = 7, .gid = 8, .mtime = 1'000'000'000 + i});
    }
}

class SmallFilesTest : public LayerTest {
protected:
    /// Unpacks many files with `tar` behind them.
    void apply_behind_many(const TarBuilder& tar) {
        TarBuilder whole;
        add_many(whole);
        whole.raw(tar.unfinished());
        apply(whole.finish());
    }
    void refuses(const TarBuilder& tar, const char* message) {
        try {
            apply_behind_many(tar);
            ADD_FAILURE() << "nothing was thrown";
        } catch (const Error& e) {
            EXPECT_NE(e.message().find(message), std::string::npos) << e.message();
        }
    }
};

TEST_F(SmallFilesTest, AllAreThereWithBytesOwnerModeAndTime) {
    apply_behind_many(TarBuilder());
    for (int i = 0; i < many; ++i) {
        const auto path =
            upper("many") / ("d" + std::to_string(i / 100)) / ("f" + std::to_string(i));
        const auto info = look(path);
        EXPECT_EQ(read_file(path), std::to_string(i));
        EXPECT_EQ(info.st_mode & 07777U, 0640U + (i % 2));
        EXPECT_EQ(info.st_uid, 7U);
        EXPECT_EQ(info.st_gid, 8U);
        EXPECT_EQ(info.st_mtime, 1'000'000'000 + i);
    }
    EXPECT_EQ(look(upper("many/d0")).st_mtime, 1'000'000'000);
}

TEST_F(SmallFilesTest, TheLastOfAPathCounts) {
    apply_behind_many(TarBuilder().file("a", "first").file("a", "second").file("a", "third"));
    EXPECT_EQ(read_file(upper("a")), "third");
}

TEST_F(SmallFilesTest, SomethingElseTakesAFilesPlace) {
    apply_behind_many(TarBuilder()
                          .file("directory", "x")
                          .directory("directory")
                          .file("directory/in", "y")
                          .file("link", "x")
                          .symlink("link", "directory")
                          .file("link/through", "z")
                          .file("pipe", "x")
                          .node("pipe", '6', 0, 0));
    EXPECT_EQ(read_file(upper("directory/in")), "y");
    EXPECT_EQ(read_file(upper("directory/through")), "z");
    EXPECT_TRUE(S_ISFIFO(look(upper("pipe")).st_mode));
}

TEST_F(SmallFilesTest, AFileTakesTheirPlace) {
    apply_behind_many(TarBuilder()
                          .directory("a")
                          .file("a/gone", "x")
                          .file("a", "file")
                          .symlink("b", "a")
                          .file("b", "file"));
    EXPECT_EQ(read_file(upper("a")), "file");
    EXPECT_TRUE(S_ISREG(look(upper("b")).st_mode));
}

TEST_F(SmallFilesTest, HardLinksFindThem) {
    apply_behind_many(TarBuilder().file("a", "x").hardlink("b", "a").hardlink("c", "many/d0/f1"));
    EXPECT_EQ(look(upper("a")).st_ino, look(upper("b")).st_ino);
    EXPECT_EQ(read_file(upper("c")), "1");
}

TEST_F(SmallFilesTest, WhiteoutsSpareThem) {
    const auto tar = TarBuilder().file("d/a", "x").file("d/.wh.a").file("d/.wh..wh..opq").finish();
    apply_full(tar);
    EXPECT_EQ(read_file(upper("d/a")), "x");
    if (os::sandbox_kind() != os::SandboxKind::namespaces) GTEST_SKIP() << "overlay is Linux's";
    fs::remove_all(upper("d"));
    apply(tar, 1);
    EXPECT_EQ(read_file(upper("d/a")), "x");
    EXPECT_FALSE(fs::exists(upper("d/.wh.a")));
}

TEST_F(SmallFilesTest, AFileIsNoDirectory) {
    refuses(TarBuilder().file("a", "x").file("a/b", "y"), "a/b");
    EXPECT_TRUE(S_ISREG(look(upper("a")).st_mode));
}

TEST_F(SmallFilesTest, ADirectoryOfALowerLayerDoesNotHideAFile) {
    fs::create_directories(base_ / "lower1/a");
    EXPECT_THROW(apply(TarBuilder().file("a", "x").file("a/b", "y").finish(), 1), Error);
    EXPECT_TRUE(S_ISREG(look(upper("a")).st_mode));
}

TEST_F(SmallFilesTest, WhatCannotBeMadeIsSaid) {
    try {
        os::mount_at({"tmpfs", "tmpfs", upper(""), {"size=1m"}}, upper(""));
    } catch (const SysError& e) {
        GTEST_SKIP() << e.message();
    }
    std::string message;
    try {
        apply_behind_many(TarBuilder());
    } catch (const Error& e) {
        message = e.message();
    }
    os::unmount(upper(""));
    EXPECT_EQ(message.find("many/d"), 0U) << message;
    const auto named = message.substr(0, message.find(':'));
    for (auto at = message.find("many/"); at != std::string::npos;
         at = message.find("many/", at + 1))
        EXPECT_EQ(message.substr(at, named.size()), named) << message;
    EXPECT_NE(message.find("no space left on device"), std::string::npos) << message;
}

}  // namespace
}  // namespace brig::archive
