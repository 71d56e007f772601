// Where COPY and ADD put things, and what hostile images and contexts cannot make them do.
#include <cstdlib>

#include "fixture.h"

namespace brig::build {
namespace {

class CopyTest : public BuildTest {
protected:
    void SetUp() override {
        BuildTest::SetUp();
        if (IsSkipped()) return;
        file("one", "1");
        file("two.txt", "2");
        file("dir/a.txt", "a", 0600);
        file("dir/sub/b.txt", "b");
    }
    void link(const std::string& target, const std::string& name) const {
        fs::create_symlink(target, context() / name);
    }
    std::string copied(const std::string& instruction, const std::string& path) {
        return content(build("FROM scratch\n" + instruction), path);
    }
};

TEST_P(CopyTest, Destinations) {
    EXPECT_EQ(copied("COPY one /x", "x"), "1");
    EXPECT_EQ(copied("COPY one /x/", "x/one"), "1");
    EXPECT_EQ(copied("COPY one x", "x"), "1");
    EXPECT_EQ(copied("WORKDIR /w\nCOPY one .", "w/one"), "1");
    EXPECT_EQ(copied("WORKDIR /w\nCOPY one x/", "w/x/one"), "1");
    EXPECT_EQ(copied("WORKDIR /w\nCOPY one ./", "w/one"), "1");
    EXPECT_EQ(copied("WORKDIR /w\nCOPY one /w", "w/one"), "1");
    EXPECT_EQ(copied("COPY one /a/b/../c", "a/c"), "1");
    EXPECT_EQ(copied("COPY dir /d", "d/a.txt"), "a");
    EXPECT_EQ(copied("COPY dir /d", "d/sub/b.txt"), "b");
    EXPECT_EQ(copied("COPY dir/ /d/", "d/sub/b.txt"), "b");
    EXPECT_EQ(copied("COPY dir one /d/", "d/a.txt"), "a");
    EXPECT_EQ(copied("COPY dir one /d/", "d/one"), "1");
    EXPECT_EQ(copied("COPY . /", "dir/sub/b.txt"), "b");
    EXPECT_EQ(copied("COPY [\"one\", \"/with space\"]", "with space"), "1");
    EXPECT_EQ(copied("COPY ./one /x", "x"), "1");
    EXPECT_EQ(copied("COPY /one /x", "x"), "1");
    EXPECT_EQ(copied("COPY dir/../one /x", "x"), "1");
    EXPECT_EQ(copied("ENV F=one\nCOPY $F /x", "x"), "1");
    EXPECT_EQ(copied("COPY one /x\nCOPY two.txt /x", "x"), "2");
    EXPECT_EQ(leftovers(), 0);
}

TEST_P(CopyTest, Wildcards) {
    EXPECT_EQ(copied("COPY *.txt /d/", "d/two.txt"), "2");
    EXPECT_EQ(copied("COPY *.txt /d", "d"), "2");
    EXPECT_EQ(copied("COPY dir/*/b.* /d/", "d/b.txt"), "b");
    EXPECT_EQ(copied("COPY o?[e] /d/", "d/one"), "1");
    EXPECT_EQ(copied("COPY d* /d/", "d/a.txt"), "a");
    EXPECT_EQ(failure("FROM scratch\nCOPY *.none /d/"),
              "Dockerfile:2: COPY failed: no source files were specified: nothing matches *.none");
    EXPECT_EQ(failure("FROM scratch\nCOPY one two.txt /d"),
              "Dockerfile:2: COPY failed: When using COPY with more than one source file, the "
              "destination must be a directory and end with a /");
}

TEST_P(CopyTest, OwnersAndModes) {
    file("etc/passwd", "root:x:0:0::/:\nweb:x:33:44::/:\n");
    file("etc/group", "root:x:0:\nstaff:x:50:\nweb:x:55:\n");
    const auto built = build(R"(FROM scratch
COPY etc /etc
COPY dir /plain
COPY --chown=web dir/a.txt /new/web
COPY --chown=web:staff dir/a.txt /staff
COPY --chown=7 dir/a.txt /seven/
COPY --chown=7:8 --chmod=4750 dir /both
)");
    const auto owner = [&](const std::string& path) {
        const auto info = status(built, path);
        return fmt::format("{}:{} {:o}", info.st_uid, info.st_gid, info.st_mode & 07777U);
    };
    EXPECT_EQ(owner("plain/a.txt"), "0:0 600");
    EXPECT_EQ(owner("new/web"), "33:55 600");
    EXPECT_EQ(owner("new"), "33:55 755");
    EXPECT_EQ(owner("staff"), "33:50 600");
    EXPECT_EQ(owner("seven/a.txt"), "7:7 600");
    EXPECT_EQ(owner("both/sub/b.txt"), "7:8 4750");
    // From a stage, owners are kept.
    const auto staged =
        build("FROM scratch AS s\nCOPY --chown=7:8 one /f\nFROM scratch\nCOPY --from=s /f /g\n");
    EXPECT_EQ(status(staged, "g").st_gid, 8U);
}

TEST_P(CopyTest, TimesAreKept) {
    const timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (context() / "one").c_str(), times, 0), 0);
    EXPECT_EQ(status(build("FROM scratch\nCOPY one /x\n"), "x").st_mtime, 1000000000);
}

TEST_P(CopyTest, LinksAreCopiedAsLinksAndFollowedOnlyAtTheSource) {
    link("one", "link");
    link("dir", "dirlink");
    link("/one", "absolute");
    file("links/f", "f");
    link("f", "links/to_f");
    link("/etc/passwd", "links/outside");
    EXPECT_EQ(copied("COPY link /x", "x"), "1");
    EXPECT_EQ(copied("COPY absolute /x", "x"), "1");
    EXPECT_EQ(copied("COPY dirlink /x", "x/a.txt"), "a");
    const auto built = build("FROM scratch\nCOPY links /l\n");
    EXPECT_TRUE(S_ISLNK(status(built, "l/to_f").st_mode));
    EXPECT_TRUE(S_ISLNK(status(built, "l/outside").st_mode));
    EXPECT_EQ(content(built, "l/to_f"), "f");
}

/// A context cannot make the builder read the host (CVE-2024-23653's kin, docker's own
/// "forbidden path" rule).
TEST_P(CopyTest, ContextLinksCannotLeaveTheContext) {
    const auto canary = work_.path() / "canary";
    std::ofstream(canary) << "secret";
    link(canary.string(), "evil");
    link("../canary", "relative");
    link("..", "up");
    EXPECT_NE(failure("FROM scratch\nCOPY evil /x\n"), "");
    EXPECT_NE(failure("FROM scratch\nCOPY relative /x\n"), "");
    EXPECT_NE(failure("FROM scratch\nCOPY up/canary /x\n"), "");
    file("Evil", "FROM scratch\nUSER x\n");
    fs::create_symlink(work_.path() / "canary", context() / "Dockerfile");
    Transcript transcript;
    EXPECT_THROW(builder_->build(request_in(context()), transcript), Error);
}

/// An image cannot make the builder write to the host: its links end at its root.
TEST_P(CopyTest, ImageLinksCannotLeaveTheRoot) {
    const auto outside = work_.path() / "outside";
    fs::create_directory(outside);
    file("root/real/keep", "k");
    link(outside.string(), "root/out");
    link("../../../../../../.." + outside.string(), "root/climb");
    link("/real", "root/inside");
    link("loop", "root/loop");
    const std::string base = "FROM scratch\nCOPY root /\n";
    EXPECT_EQ(content(build(base + "COPY one /inside/x\n"), "real/x"), "1");
    EXPECT_EQ(content(build(base + "COPY dir /inside\n"), "real/a.txt"), "a");
    for (const auto* step : {"COPY one /out/x", "COPY dir /out", "COPY dir /out/", "WORKDIR /out/w",
                             "COPY one /climb/x", "COPY --chown=1:1 dir /climb/y/",
                             "WORKDIR /climb", "COPY one /loop/x", "ADD one /out/"}) {
        failure(base + step);
    }
    EXPECT_TRUE(fs::is_empty(outside));
    EXPECT_EQ(leftovers(), 0);
}

TEST_P(CopyTest, CopyFromAnImageDoesNotFollowItOut) {
    const auto canary = work_.path() / "canary";
    std::ofstream(canary) << "secret";
    link(canary.string(), "evil");
    const auto text = "FROM scratch AS s\nCOPY . /\nFROM scratch\nCOPY --from=s /evil /x\n";
    EXPECT_NE(failure(text), "");
    EXPECT_EQ(leftovers(), 0);
}

TEST_P(CopyTest, FilesAndDirectoriesDoNotReplaceEachOther) {
    const std::string base = "FROM scratch\nCOPY one /file\nCOPY dir /dir\nCOPY one /dir/clash/x\n";
    file("clash", "c");
    EXPECT_EQ(failure(base + "COPY dir /file\n"),
              "Dockerfile:5: COPY failed: cannot copy to non-directory: /file");
    EXPECT_EQ(failure(base + "COPY one /file/\n"),
              "Dockerfile:5: COPY failed: cannot copy to non-directory: /file");
    EXPECT_NE(failure(base + "COPY one /file/x\n"), "");
    EXPECT_EQ(failure(base + "COPY clash /dir/\n"),
              "Dockerfile:5: COPY failed: cannot overwrite directory /dir/clash with a file");
    EXPECT_NE(failure(base + "WORKDIR /file\n"), "");
}

TEST_P(CopyTest, AddUnpacksLocalArchivesOnly) {
    const auto tar = [&](const std::string& options, const std::string& name) {
        const auto command = "tar -C " + (context() / "dir").string() + " " + options + " " +
                             (context() / name).string() + " .";
        ASSERT_EQ(std::system(command.c_str()), 0);
    };
    tar("-cf", "plain.tar");
    tar("-czf", "packed.tgz");
    tar("-cJf", "packed.txz");
    for (const auto* name : {"plain.tar", "packed.tgz", "packed.txz"}) {
        EXPECT_EQ(copied(std::string("ADD ") + name + " /d", "d/sub/b.txt"), "b") << name;
    }
    EXPECT_EQ(copied("COPY plain.tar /d/", "d/sub/b.txt"), "<none>");
    EXPECT_EQ(copied("ADD one /d/", "d/one"), "1");
    const auto owned = build("FROM scratch\nADD --chown=7:8 packed.tgz /d\n");
    EXPECT_EQ(status(owned, "d/sub/b.txt").st_uid, 7U);
    // Truncated, it is still an archive to docker and to us: an error, not a file.
    fs::resize_file(context() / "plain.tar", 700);
    EXPECT_NE(failure("FROM scratch\nADD plain.tar /d\n"), "");
    EXPECT_EQ(leftovers(), 0);
}

INSTANTIATE_TEST_SUITE_P(Drivers, CopyTest, ::testing::ValuesIn(brig::testing::drivers()));

TEST(UnpackContext, RefusesWhatLeavesTheDirectory) {
    const TempDir work(fs::temp_directory_path(), "brig-context-test");
    fs::create_directory(work.path() / "in");
    std::ofstream(work.path() / "evil") << "x";
    const auto tar = (work.path() / "context.tar").string();
    const auto command = "tar -P -C " + (work.path() / "in").string() + " -cf " + tar + " ../evil";
    ASSERT_EQ(std::system(command.c_str()), 0);
    fs::create_directory(work.path() / "out");
    const Fd stream = open_file(tar, O_RDONLY);
    EXPECT_THROW(unpack_context(archive::from_fd(stream.get()), work.path() / "out"), Error);
    auto [reader, writer] = make_pipe();
    write_all(writer.get(), std::string_view("not a tar at all"));
    writer.reset();
    EXPECT_THROW(unpack_context(archive::from_fd(reader.get()), work.path() / "out"), Error);
}

}  // namespace
}  // namespace brig::build
