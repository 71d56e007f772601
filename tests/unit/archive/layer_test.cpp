// What unpacking makes and writing reads back: attributes, whiteouts, links, both layer forms.
#include <gmock/gmock.h>

#include "fixture.h"
#include "os/sandbox.h"
#include "os/xattr.h"

namespace brig::archive {
namespace {

using ::testing::HasSubstr;

std::string compressed(const std::string& data) {
    std::string out;
    GzipSink gzip(
        [&](std::span<const std::byte> d) {
            out.append(reinterpret_cast<const char*>(d.data()), d.size());
        },
        1);
    gzip.write(std::as_bytes(std::span(data)));
    gzip.finish();
    return out;
}

TEST_F(LayerTest, AttributesAreExact) {
    const std::string capability("\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
    const auto done = apply(TarBuilder()
                                .directory("./", 0711)
                                .directory("d/", 01777)
                                .pax("mtime", "1000000000.123456789")
                                .pax("SCHILY.xattr.security.capability", capability)
                                .pax("SCHILY.xattr.user.note", "hi")
                                .file("d/su", "body", {.mode = 04755, .uid = 12, .gid = 34})
                                .symlink("l", "/no/where")
                                .finish());
    EXPECT_EQ(done.entries, 4U);
    EXPECT_EQ(look(upper(".")).st_mode & 07777U, 0711U);
    EXPECT_EQ(done.bytes, 4U);
    const auto info = look(upper("d/su"));
    EXPECT_EQ(info.st_mode & 07777U, 04755U);
    EXPECT_EQ(info.st_uid, 12U);
    EXPECT_EQ(info.st_gid, 34U);
    EXPECT_EQ(info.st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(info.st_mtim.tv_nsec, 123456789);
    EXPECT_EQ(look(upper("d")).st_mode & 07777U, 01777U);
    EXPECT_EQ(look(upper("d")).st_mtim.tv_sec, 1000000000)
        << "filling a directory must not change its time";
    EXPECT_EQ(look(upper("l")).st_mtim.tv_sec, 1000000000);
    EXPECT_EQ(fs::read_symlink(upper("l")), "/no/where");
    const Fd directory = open_file(upper("d").string(), O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(os::get_xattr(directory.get(), "su", "user.note"), "hi");
    if (os::sandbox_kind() == os::SandboxKind::namespaces) {  // no other kernel has capabilities
        EXPECT_EQ(os::get_xattr(directory.get(), "su", "security.capability"), capability);
    }
}

TEST_F(LayerTest, WritingReadsBackTheSameBytes) {
    const std::string tar = TarBuilder()
                                .directory("d/")
                                .file("d/a", "first", {.mode = 04755, .uid = 1, .gid = 2})
                                .hardlink("d/b", "d/a")
                                .symlink("d/c", "a")
                                .file("d/\xc3\xa4", "umlaut")
                                .finish();
    apply(tar);
    const std::string once = layer_of(LayerForm::overlay, 0);
    EXPECT_EQ(once, layer_of(LayerForm::full, 0));
    remove_tree(base_ / "upper");
    fs::create_directory(base_ / "upper");
    apply(once);
    EXPECT_EQ(layer_of(LayerForm::overlay, 0), once);
    EXPECT_EQ(look(upper("d/a")).st_ino, look(upper("d/b")).st_ino);
    EXPECT_EQ(read_file(upper("d/\xc3\xa4")), "umlaut");
}

TEST_F(LayerTest, CompressedStreams) {
    const std::string tar = TarBuilder().file("a", "x").finish();
    apply(compressed(tar));
    EXPECT_EQ(read_file(upper("a")), "x");
    const std::string gz = compressed(TarBuilder().file("b", std::string(100000, 'b')).finish());
    EXPECT_THAT(refusal([&] { apply(gz.substr(0, gz.size() - 20)); }), HasSubstr("ends early"));
    HashingSource hashed(decompress(from_memory(gz)));
    EXPECT_EQ(hashed.finish(),
              Digest::of(TarBuilder().file("b", std::string(100000, 'b')).finish()));
    // Members one after another are one stream; trailing zeros are padding.
    EXPECT_EQ(HashingSource(decompress(from_memory(compressed("ab") + compressed("cd") +
                                                   std::string(3, '\0'))))
                  .finish(),
              Digest::of("abcd"));
}

TEST_F(LayerTest, SparseFilesKeepTheirHoles) {
    const std::string body = std::string(1 << 20, '\0') + "end" + std::string(1 << 20, '\0');
    apply(TarBuilder().file("s", body).finish());
    EXPECT_EQ(read_file(upper("s")), body);
    EXPECT_LT(look(upper("s")).st_blocks, 2048);
}

TEST_F(LayerTest, WhiteoutsShowThroughAMount) {
    if (os::sandbox_kind() != os::SandboxKind::namespaces) GTEST_SKIP() << "overlay is Linux's";
    write(base_ / "lower1" / "gone", "x");
    write(base_ / "lower1" / "stays", "x");
    write(base_ / "lower1" / "emptied" / "old", "x");
    write(base_ / "lower1" / "remade" / "old", "x");
    write(base_ / "lower1" / "kind" / "old", "x");
    apply(TarBuilder()
              .file(".wh.gone")
              .directory("emptied/")
              .file("emptied/.wh..wh..opq")
              .file("emptied/new", "n")
              .file(".wh.remade")
              .directory("remade/")
              .file("remade/new", "n")
              .file("kind", "now a file")
              .finish(),
          1);
    EXPECT_TRUE(S_ISCHR(look(upper("gone")).st_mode));
    const auto root = merged(1);
    if (!mounted()) GTEST_SKIP() << "this host cannot mount overlay here";
    EXPECT_FALSE(fs::exists(root / "gone"));
    EXPECT_TRUE(fs::exists(root / "stays"));
    EXPECT_FALSE(fs::exists(root / "emptied/old"));
    EXPECT_TRUE(fs::exists(root / "emptied/new"));
    EXPECT_FALSE(fs::exists(root / "remade/old"));
    EXPECT_TRUE(fs::exists(root / "remade/new"));
    EXPECT_EQ(read_file(root / "kind"), "now a file");
}

TEST_F(LayerTest, WhiteoutsHideOnlyLowerLayers) {
    write(base_ / "lower1" / "d" / "old", "x");
    // The order in which a layer names things does not matter.
    apply(TarBuilder()
              .directory("d/")
              .file("d/new", "n")
              .file(".wh.d")
              .file("f", "n")
              .file(".wh.f")
              .finish(),
          1);
    EXPECT_EQ(read_file(upper("d/new")), "n");
    EXPECT_EQ(read_file(upper("f")), "n");
    const auto root = merged(1);
    if (!mounted()) GTEST_SKIP() << "this host cannot mount overlay here";
    EXPECT_FALSE(fs::exists(root / "d/old"));
}

TEST_F(LayerTest, ParentsOfLowerLayersKeepTheirAttributes) {
    write(base_ / "lower1" / "secret" / "old", "x");
    ASSERT_EQ(::chown((base_ / "lower1" / "secret").c_str(), 7, 8), 0);
    ASSERT_EQ(::chmod((base_ / "lower1" / "secret").c_str(), 0700), 0);
    fs::create_directory_symlink("usr/bin", base_ / "lower2" / "bin");
    fs::create_directories(base_ / "lower2" / "usr" / "bin");
    apply(TarBuilder().file("secret/new", "n").file("bin/tool", "t").file("fresh/x", "x").finish(),
          2);
    EXPECT_EQ(look(upper("secret")).st_uid, 7U);
    EXPECT_EQ(look(upper("secret")).st_mode & 07777U, 0700U);
    EXPECT_EQ(read_file(upper("usr/bin/tool")), "t");
    EXPECT_FALSE(fs::exists(upper("bin")));
    EXPECT_EQ(look(upper("fresh")).st_mode & 07777U, 0755U);
}

TEST_F(LayerTest, HardLinksReachLowerLayers) {
    write(base_ / "lower2" / "d" / "file", "below");
    ASSERT_EQ(::chmod((base_ / "lower2" / "d" / "file").c_str(), 0600), 0);
    apply(TarBuilder().hardlink("link", "d/file").finish(), 2);
    EXPECT_EQ(read_file(upper("link")), "below");
    EXPECT_EQ(look(upper("link")).st_mode & 07777U, 0600U);
    EXPECT_EQ(look(upper("link")).st_ino, look(upper("d/file")).st_ino);
    // What a layer in between deleted is not there to be linked.
    ASSERT_EQ(::mknod((base_ / "lower1" / "hidden").c_str(), S_IFCHR, 0), 0);
    write(base_ / "lower2" / "hidden", "x");
    EXPECT_THAT(refusal([&] { apply(TarBuilder().hardlink("l2", "hidden").finish(), 2); }),
                HasSubstr("does not exist"));
}

TEST_F(LayerTest, FullFormDeletesForReal) {
    write(upper("gone/x"), "x");
    write(upper("d/old"), "x");
    write(upper("e/sub/old"), "x");
    apply_full(TarBuilder()
                   .file(".wh.gone")
                   .directory("d/")
                   .file("d/new", "n")
                   .file("d/.wh..wh..opq")
                   .directory("e/")
                   .directory("e/sub/")
                   .file("e/sub/new", "n")
                   .file("e/.wh..wh..opq")
                   .finish());
    EXPECT_FALSE(fs::exists(upper("gone")));
    EXPECT_FALSE(fs::exists(upper("d/old")));
    EXPECT_TRUE(fs::exists(upper("d/new")));
    EXPECT_FALSE(fs::exists(upper("e/sub/old")));
    EXPECT_TRUE(fs::exists(upper("e/sub/new")));
}

TEST_F(LayerTest, WrittenLayersCarryDeletions) {
    write(base_ / "lower1" / "gone", "x");
    write(base_ / "lower1" / "d" / "old", "x");
    const auto root = merged(1);
    if (!mounted()) GTEST_SKIP() << "this host cannot mount overlay here";
    fs::remove(root / "gone");
    fs::remove_all(root / "d");
    fs::create_directory(root / "d");
    write(root / "d" / "new", "n");
    const std::string tar = layer_of(LayerForm::overlay, 1);
    EXPECT_THAT(tar, HasSubstr(".wh.gone"));
    EXPECT_THAT(tar, HasSubstr("d/.wh..wh..opq"));
    // The same difference between two whole trees reads the same when it is applied.
    const TempDir copy("/tmp", "brig-archive-copy");
    write(copy.path() / "gone", "x");
    write(copy.path() / "d" / "old", "x");
    const LayerTree full{.root = open_file(copy.path().string(), O_RDONLY | O_DIRECTORY)};
    apply_tar(*from_memory(tar), full);
    EXPECT_FALSE(fs::exists(copy.path() / "gone"));
    EXPECT_FALSE(fs::exists(copy.path() / "d" / "old"));
    EXPECT_EQ(read_file(copy.path() / "d" / "new"), "n");
}

TEST_F(LayerTest, FullTreesAreCompared) {
    write(base_ / "lower1" / "same", "x");
    write(base_ / "lower1" / "gone", "x");
    write(base_ / "lower1" / "d" / "deep" / "file", "x");
    fs::copy(base_ / "lower1", base_ / "upper",
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    for (const char* name : {"same", "gone", "d/deep/file"}) same_times(name);
    EXPECT_EQ(layer_of(LayerForm::full, 1).find_first_not_of('\0'), std::string::npos);
    fs::remove(upper("gone"));
    write(upper("d/deep/new"), "n");
    const std::string tar = layer_of(LayerForm::full, 1);
    EXPECT_THAT(tar, HasSubstr(".wh.gone"));
    EXPECT_THAT(tar, HasSubstr("d/deep/new"));
    EXPECT_EQ(tar.find("same"), std::string::npos);
}

TEST_F(LayerTest, AFileInADirectorysPlaceHasItsOwnTime) {
    apply_full(TarBuilder().directory("a/").file("a", "x", {.mtime = 2'000'000'000}).finish());
    EXPECT_EQ(look(upper("a")).st_mtime, 2'000'000'000);
}

TEST_F(LayerTest, ALoopOfLinksMayTakeADirectorysPlace) {
    const auto tar = TarBuilder()
                         .directory("a/")
                         .directory("a/in/")
                         .symlink("a", "b")
                         .symlink("b", "a")
                         .finish();
    apply_full(tar);
    EXPECT_TRUE(fs::is_symlink(upper("a")));
    fs::remove(upper("a"));
    apply(tar);
    EXPECT_TRUE(fs::is_symlink(upper("a")));
}

TEST_F(LayerTest, ALinkInADirectorysPlaceLeavesWhatItLeadsToAlone) {
    apply_full(TarBuilder()
                   .directory("target/")
                   .pax("mtime", "1500000000")
                   .directory("target/in/")
                   .directory("was/")
                   .pax("mtime", "2000000000")
                   .directory("was/in/")
                   .symlink("was", "target")
                   .finish());
    EXPECT_TRUE(fs::is_symlink(upper("was")));
    EXPECT_EQ(look(upper("target/in")).st_mtime, 1'500'000'000);
}

TEST(Lowers, WhatCouldNotBeAwaitedOnceIsNotEmpty) {
    const Lowers lowers([]() -> std::vector<Fd> { throw Error(ErrorKind::cancelled, "gone"); });
    EXPECT_THROW((void)lowers.layers(), Error);
    EXPECT_THROW((void)lowers.layers(), Error);
}

TEST_F(LayerTest, EditsThatKeepSizeAndTimeAreFound) {
    write(base_ / "lower1" / "file", "one");
    write(upper("file"), "two");
    same_times("file");
    EXPECT_THAT(layer_of(LayerForm::full, 1), HasSubstr("file"));
    // Not even looked at when nothing was touched since the copy was made.
    auto copied = tree(LayerForm::full, 1);
    copied.filled = look(upper("file")).st_ctim;
    EXPECT_EQ(layer_changes(copied).size(), 1U);
    copied.filled->tv_sec += 1;
    EXPECT_TRUE(layer_changes(copied).empty());
}

TEST_F(LayerTest, MountPointsThatTheEngineMadeAreNoChange) {
    const std::vector<std::string> places{"etc/hosts", "etc", "proc", "dev", "dev/shm"};
    const auto paths = [&](LayerForm form) {
        std::string out;
        for (const auto& [path, kind] : layer_changes(tree(form, 1), places)) {
            out += "CAD"[static_cast<int>(kind)];
            out += " " + path + "\n";
        }
        return out;
    };
    fs::create_directories(base_ / "lower1" / "etc");
    fs::create_directories(upper("proc"));
    fs::create_directories(upper("dev/shm"));
    write(upper("etc/hosts"), "");
    EXPECT_EQ(paths(LayerForm::overlay), "");
    EXPECT_EQ(paths(LayerForm::full), "");
    write(upper("dev/mine"), "");
    write(upper("etc/hosts"), "127.0.0.1 me");
    EXPECT_EQ(paths(LayerForm::overlay), "A dev\nA dev/mine\nC etc\nA etc/hosts\n");
    EXPECT_EQ(paths(LayerForm::full), "A dev\nA dev/mine\nC etc\nA etc/hosts\n");
    fs::remove_all(upper("dev"));
    ::chmod(upper("etc").c_str(), 0700);
    write(base_ / "lower1" / "etc/hosts", "old");
    write(upper("etc/hosts"), "");
    EXPECT_EQ(paths(LayerForm::overlay), "C etc\nC etc/hosts\n");
}

TEST_F(LayerTest, WhiteoutNamesAreOrdinaryInARootFileSystem) {
    apply(TarBuilder().file(".wh.x", "kept").finish(), 0, {.whiteouts = false});
    EXPECT_EQ(read_file(upper(".wh.x")), "kept");
}

TEST_F(LayerTest, FailuresOfTheStreamAreNotBlamedOnTheArchive) {
    class Failing : public Source {
        std::span<const std::byte> next() override {
            throw Error(ErrorKind::unavailable, "the line is dead");
        }
    } failing;
    EXPECT_EQ(refusal([&] { apply_tar(failing, tree(LayerForm::full, 0)); }), "the line is dead");
}

}  // namespace
}  // namespace brig::archive
