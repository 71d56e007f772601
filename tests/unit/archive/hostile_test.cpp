// Archives that try to leave their root: refused or harmless, a canary beside the root unchanged.
#include <gmock/gmock.h>
#include <zlib.h>

#include "fixture.h"

namespace brig::archive {
namespace {

using ::testing::HasSubstr;

struct Case {
    const char* name;
    std::string tar;
    const char* refusal;  ///< part of the message; nullptr: accepted and harmless
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {"dot_dot", TarBuilder().file("../canary", "x").finish(), "\"..\""},
        {"dot_dot_inside", TarBuilder().file("a/../../canary", "x").finish(), "\"..\""},
        {"dot_dot_alone", TarBuilder().directory("..").finish(), "\"..\""},
        {"absolute", TarBuilder().file("/etc/passwd", "x").finish(), nullptr},
        {"root_as_file", TarBuilder().file(".", "x").finish(), "root"},
        {"root_as_link", TarBuilder().symlink("./.", "/").finish(), "root"},
        {"root_deleted_by_file", TarBuilder().directory("./").file("a", "x").finish(), nullptr},
        // CVE-2014-6407
        {"write_through_absolute_link",
         TarBuilder().symlink("link", "/").file("link/tmp/x", "x").finish(), nullptr},
        {"write_through_relative_link",
         TarBuilder().symlink("link", "../..").file("link/canary", "x").finish(), nullptr},
        {"write_through_dotted_link",
         TarBuilder()
             .symlink("link", "a/../../../..")
             .directory("a")
             .file("link/canary", "x")
             .finish(),
         nullptr},
        {"write_through_chain",
         TarBuilder().symlink("a", "b").symlink("b", "../../..").file("a/canary", "x").finish(),
         nullptr},
        {"link_loop", TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "x").finish(),
         "symbolic links"},
        {"replace_link_by_file", TarBuilder().symlink("x", "../canary").file("x", "x").finish(),
         nullptr},
        {"hardlink_out", TarBuilder().hardlink("x", "../canary").finish(), "\"..\""},
        {"hardlink_absolute", TarBuilder().hardlink("x", "/etc/passwd").finish(), "no such file"},
        {"hardlink_missing", TarBuilder().hardlink("x", "y").finish(), "does not exist"},
        {"hardlink_to_itself", TarBuilder().file("x", "x").hardlink("x", "x").finish(), "itself"},
        {"hardlink_to_directory", TarBuilder().directory("d").hardlink("x", "d").finish(),
         "directory"},
        // CVE-2026-17106: a link to a link is a link, writing to its name replaces it.
        {"hardlink_to_link",
         TarBuilder().symlink("l", "../canary").hardlink("x", "l").file("x", "x").finish(),
         nullptr},
        {"hardlink_through_link",
         TarBuilder().symlink("l", "../..").hardlink("x", "l/canary").finish(), "does not exist"},
        // CVE-2021-32760: the mode of what a link points to.
        {"mode_through_link", TarBuilder().symlink("l", "../canary").directory("l", 0777).finish(),
         nullptr},
        {"directory_to_link",
         TarBuilder()
             .directory("d")
             .file("d/x", "x")
             .symlink("d", "../..")
             .file("d/canary", "x")
             .finish(),
         nullptr},
        {"file_as_directory", TarBuilder().file("f", "x").file("f/x", "x").finish(),
         "not a directory"},
        {"whiteout_dot_dot", TarBuilder().file(".wh...", "").finish(), "whiteout"},
        {"whiteout_dot", TarBuilder().file(".wh..", "").finish(), "whiteout"},
        {"whiteout_nothing", TarBuilder().file(".wh.", "").finish(), "whiteout"},
        {"whiteout_as_directory", TarBuilder().file(".wh.../x", "").finish(), "whiteout"},
        {"whiteout_through_link",
         TarBuilder().symlink("l", "../..").file("l/.wh.canary", "").finish(), nullptr},
        {"opaque_through_link",
         TarBuilder().symlink("l", "../..").file("l/.wh..wh..opq", "").finish(), nullptr},
        {"whiteout_device", TarBuilder().node("x", '3', 0, 0).finish(), "deletion mark"},
        // CVE-2021-43784's class: numbers that wrap.
        {"owner_that_wraps", TarBuilder().pax("uid", "4294967296").file("x", "x").finish(),
         "out of range"},
        {"group_that_is_minus_one", TarBuilder().pax("gid", "4294967295").file("x", "x").finish(),
         "out of range"},
        {"size_that_wraps",
         TarBuilder().pax("size", "9223372036854775807").file("x", "x").unfinished(), "overflow"},
        {"truncated_header", TarBuilder().file("a", "x").finish().substr(0, 700), "runcated"},
        {"truncated_body", TarBuilder().promise("a", 100000).raw("x").unfinished(), "runcated"},
        {"not_tar", std::string(2000, 'x'), "invalid tar"},
        {"deep",
         TarBuilder()
             .pax("path",
                  [] {
                      std::string p;
                      for (int i = 0; i < 400; ++i) p += "d/";
                      return p + "x";
                  }())
             .file("x", "x")
             .finish(),
         "deeper"},
        {"long_name", TarBuilder().pax("path", std::string(5000, 'n')).file("x", "x").finish(),
         "long"},
        {"nul_in_pax_path",
         TarBuilder().pax("path", std::string("a\0/../../canary", 15)).file("x", "x").finish(),
         nullptr},
        {"xz_that_is_none",
         std::string("\xfd"
                     "7zXZ\0 but not really",
                     21),
         "damaged"},
        {"gzip_that_is_none", std::string("\x1f\x8b\x08\0\0\0\0\0\0\0garbage", 17), "gzip"},
    };
    return all;
}

class HostileTest : public LayerTest, public ::testing::WithParamInterface<Case> {};

TEST_P(HostileTest, StaysInside) {
    for (const auto form : {LayerForm::overlay, LayerForm::full}) {
        const auto run = [&] {
            apply_tar(*decompress(from_memory(GetParam().tar)), tree(form, 0));
        };
        if (GetParam().refusal == nullptr) {
            EXPECT_NO_THROW(run());
        } else {
            EXPECT_THAT(refusal(run), HasSubstr(GetParam().refusal));
        }
        EXPECT_EQ(read_file(base_ / "canary"), "unharmed");
        EXPECT_EQ(look(base_ / "canary").st_mode & 07777U, 0644U);
        EXPECT_EQ(look(base_ / "canary").st_nlink, 1U);
        std::size_t neighbours = 0;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(base_)) ++neighbours;
        EXPECT_EQ(neighbours, 6U);
        remove_tree(base_ / "upper");
        fs::create_directory(base_ / "upper");
    }
}

INSTANTIATE_TEST_SUITE_P(Archives, HostileTest, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(LayerTest, LinksStayWithinTheRootEvenThroughLowerLayers) {
    fs::create_directory_symlink("/", base_ / "lower1" / "out");
    fs::create_directories(base_ / "lower1" / "etc");
    apply(TarBuilder().file("out/etc/x", "inside").file("out/canary", "inside").finish(), 1);
    EXPECT_EQ(read_file(upper("etc/x")), "inside");
    EXPECT_EQ(read_file(upper("canary")), "inside");
    EXPECT_FALSE(fs::exists(upper("out")));
}

TEST_F(LayerTest, LimitsAreKept) {
    const auto tar = TarBuilder().file("a", "12345").file("b", "12345").finish();
    EXPECT_THAT(refusal([&] { apply(tar, 0, {.limits = {.entries = 1}}); }),
                HasSubstr("more than 1 entries"));
    EXPECT_THAT(refusal([&] { apply(tar, 0, {.limits = {.bytes = 9}}); }),
                HasSubstr("more than 9 bytes"));
}

// CVE-2017-14992: what inflates to gigabytes is stopped by its announced size, not by memory.
TEST_F(LayerTest, BombsAreStopped) {
    std::string bomb;
    GzipSink gzip(
        [&](std::span<const std::byte> d) {
            bomb.append(reinterpret_cast<const char*>(d.data()), d.size());
        },
        9);
    const std::string head = TarBuilder().promise("zeros", 4ULL << 30U).unfinished();
    gzip.write(std::as_bytes(std::span(head)));
    const std::vector<std::byte> zeros(1U << 20U);
    for (int i = 0; i < 16; ++i) gzip.write(zeros);
    gzip.finish();
    EXPECT_THAT(refusal([&] { apply(bomb, 0, {.limits = {.bytes = 1U << 30U}}); }),
                HasSubstr("more than"));
    EXPECT_THAT(refusal([&] { apply(bomb); }), HasSubstr("runcated"));
}

TEST_F(LayerTest, OverlaysOwnAttributesAreDropped) {
    apply(TarBuilder()
              .pax("SCHILY.xattr.trusted.overlay.redirect", "/etc")
              .pax("SCHILY.xattr.trusted.overlay.opaque", "y")
              .directory("d/")
              .finish());
    const auto round = layer_of(LayerForm::overlay, 0);
    EXPECT_EQ(round.find("redirect"), std::string::npos);
    EXPECT_EQ(round.find(".wh."), std::string::npos);
}

TEST_F(LayerTest, DevicesNeedPermissionAndCanBeSkipped) {
    apply(TarBuilder().node("null", '3', 1, 3).node("pipe", '6', 0, 0).finish());
    EXPECT_TRUE(S_ISCHR(look(upper("null")).st_mode));
    EXPECT_TRUE(S_ISFIFO(look(upper("pipe")).st_mode));
    apply(TarBuilder().node("zero", '3', 1, 5).finish(), 0, {.devices = Devices::skip});
    EXPECT_FALSE(fs::exists(upper("zero")));
}

}  // namespace
}  // namespace brig::archive
