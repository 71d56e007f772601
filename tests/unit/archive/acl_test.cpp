// ACLs in archives, in both spellings, and on disk.
#include <gmock/gmock.h>

#include "fixture.h"
#include "os/posix_acl.h"
#include "os/xattr.h"

namespace brig::archive {
namespace {

using os::AclTag;
using ::testing::HasSubstr;

/// user::rwx user:1000:USER group::r-x mask::rwx other::---
std::string acl_for(unsigned user = 7) {
    return *os::encode_acl({{AclTag::owner, 7},
                            {AclTag::user, user, 1000},
                            {AclTag::owning_group, 5},
                            {AclTag::mask, 7},
                            {AclTag::other, 0}});
}
constexpr const char* text_acl = "user::rwx,user:lisa:rwx:1000,group::r-x,mask::rwx,other::---";
constexpr const char* access_record = "SCHILY.xattr.system.posix_acl_access";
constexpr const char* default_record = "SCHILY.xattr.system.posix_acl_default";

class AclTest : public LayerTest {
protected:
    void SetUp() override {
        LayerTest::SetUp();
        if (IsSkipped()) return;
        write(base_ / "probe", "");
        const Fd base = open_file(base_.string(), O_RDONLY | O_DIRECTORY);
        if (!os::set_xattr(base.get(), "probe", os::access_acl, acl_for()))
            GTEST_SKIP() << "the file system of " << base_ << " has no POSIX ACLs";
    }
    [[nodiscard]] static std::string acl(const fs::path& path, const char* which = os::access_acl) {
        const Fd directory = open_file(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
        return os::get_xattr(directory.get(), path.filename().string(), which).value_or("none");
    }
    static void set_acl(const fs::path& path, const std::string& value,
                        const char* which = os::access_acl) {
        const Fd directory = open_file(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
        ASSERT_TRUE(os::set_xattr(directory.get(), path.filename().string(), which, value));
    }
    void lower_directory_with_default_acl() const {
        fs::create_directory(base_ / "lower1/d");
        set_acl(base_ / "lower1/d", acl_for(), os::default_acl);
    }
};

TEST_F(AclTest, BothSpellingsAreUnpacked) {
    apply(
        TarBuilder()
            .pax(access_record, acl_for())
            .file("attribute", "", {.mode = 0770})
            .pax("SCHILY.acl.access", text_acl)
            .file("text", "", {.mode = 0770})
            .pax("SCHILY.acl.access", "user::rwx\nuser:1000:rwx\ngroup::r-x\nmask::rwx\nother::---")
            .file("gnu", "", {.mode = 0770})
            .pax("SCHILY.acl.default", text_acl)
            .directory("directory/", 0700)
            .finish());
    for (const char* name : {"attribute", "text", "gnu"}) {
        EXPECT_EQ(acl(upper(name)), acl_for()) << name;
        EXPECT_EQ(look(upper(name)).st_mode & 07777U, 0770U) << name;
    }
    EXPECT_EQ(acl(upper("directory"), os::default_acl), acl_for());
    EXPECT_EQ(acl(upper("directory")), "none");
}

TEST_F(AclTest, ARoundTripKeepsThem) {
    apply(TarBuilder()
              .pax(access_record, acl_for())
              .pax(default_record, acl_for(5))
              .directory("d/", 0770)
              .pax("SCHILY.acl.access", text_acl)
              .file("d/f", "body", {.mode = 0770})
              .hardlink("d/same", "d/f")
              .finish());
    const auto written = layer_of(LayerForm::overlay, 0);
    EXPECT_THAT(written, HasSubstr(access_record));
    fs::remove_all(upper("d"));
    apply(written);
    EXPECT_EQ(acl(upper("d")), acl_for());
    EXPECT_EQ(acl(upper("d"), os::default_acl), acl_for(5));
    EXPECT_EQ(acl(upper("d/f")), acl_for());
    EXPECT_EQ(layer_of(LayerForm::overlay, 0), written);
}

TEST_F(AclTest, NothingComesFromADefaultAclButWhatTheArchiveSays) {
    apply(TarBuilder()
              .file("d/before", "")
              .pax(default_record, acl_for())
              .directory("d/")
              .file("d/f", "", {.mode = 0640})
              .directory("d/sub/", 0750)
              .node("d/pipe", '6', 0, 0)
              .file("d/sub/f", "")
              .symlink("d/link", "f")
              .finish());
    for (const char* name : {"d/before", "d/f", "d/sub", "d/pipe", "d/sub/f"})
        EXPECT_EQ(acl(upper(name)), "none") << name;
    EXPECT_EQ(look(upper("d/f")).st_mode & 07777U, 0640U);
    EXPECT_EQ(acl(upper("d/sub"), os::default_acl), "none");
    EXPECT_EQ(acl(upper("d"), os::default_acl), acl_for());
}

TEST_F(AclTest, NothingComesFromTheDefaultAclOfALowerLayersDirectory) {
    lower_directory_with_default_acl();
    write(base_ / "lower1/d/old", "");
    apply(TarBuilder().file("d/f", "").hardlink("d/again", "d/old").finish(), 1);
    EXPECT_EQ(acl(upper("d/f")), "none");
    EXPECT_EQ(acl(upper("d"), os::default_acl), acl_for()) << "copied up with its directory";
    EXPECT_EQ(acl(upper("d/again")), acl(base_ / "lower1/d/old"));
}

TEST_F(AclTest, AnEntryReplacesTheAclsOfAStandingDirectory) {
    apply_full(TarBuilder()
                   .pax(access_record, acl_for())
                   .pax(default_record, acl_for())
                   .directory("d/", 0770)
                   .finish());
    apply_full(TarBuilder().directory("d/", 0750).file("d/f", "").finish());
    EXPECT_EQ(acl(upper("d")), "none");
    EXPECT_EQ(acl(upper("d"), os::default_acl), "none");
    EXPECT_EQ(look(upper("d")).st_mode & 07777U, 0750U);
}

TEST_F(AclTest, AnAclAloneIsADifference) {
    for (const char* side : {"lower1", "upper"}) {
        fs::create_directories(base_ / side / "d/quiet");
        write(base_ / side / "f", "same");
        write(base_ / side / "same", "same");
        set_acl(base_ / side / "f", acl_for(7));
        set_acl(base_ / side / "same", acl_for(7));
    }
    same_times("f");
    same_times("same");
    set_acl(upper("f"), acl_for(5));
    set_acl(upper("d"), acl_for(), os::default_acl);
    std::vector<std::string> changed;
    for (const auto& change : layer_changes(tree(LayerForm::full, 1)))
        changed.push_back(change.path);
    EXPECT_THAT(changed, ::testing::ElementsAre("d", "f"));
}

TEST_F(AclTest, WhereThereAreNoAclsThePermissionsAreNoWider) {
    try {
        os::mount_at({"ramfs", "ramfs", base_ / "merged", {}}, base_ / "merged");
        mounted_ = true;
    } catch (const Error&) {
        GTEST_SKIP() << "this host has no ramfs to mount";
    }
    const LayerTree tree{.root = open("merged"), .form = LayerForm::full};
    const auto tar = TarBuilder()
                         .pax(access_record, acl_for())
                         .pax(default_record, acl_for())
                         .directory("d/", 0770)
                         .pax(access_record, acl_for())
                         .file("d/f", "", {.mode = 04770})
                         .finish();
    apply_tar(*decompress(from_memory(tar)), tree);
    EXPECT_EQ(acl(base_ / "merged/d/f"), "none");
    // The 7 for the group was the mask's; its own entry says 5.
    EXPECT_EQ(look(base_ / "merged/d/f").st_mode & 07777U, 04750U);
    EXPECT_EQ(look(base_ / "merged/d").st_mode & 07777U, 0750U);
}

TEST_F(AclTest, WhatIsNoAclIsRefusedOrLeftOut) {
    for (const std::string& value :
         {std::string("x"), acl_for().substr(0, 20), acl_for() + acl_for()}) {
        EXPECT_THAT(refusal([&] {
                        apply(TarBuilder().pax(access_record, value).file("bad", "").finish());
                    }),
                    HasSubstr("bad"));
    }
    // Links and plain files have no default ACL, links no other either.
    apply(TarBuilder()
              .pax(default_record, acl_for())
              .pax(access_record, acl_for())
              .symlink("link", "to")
              .pax(default_record, acl_for())
              .file("file", "")
              .finish());
    int number = 0;
    for (const char* text :
         {"", "nonsense",
          "user:::::::", "user::rwx,user:nobody-here:rwx,group::r-x,mask::r,other::-", "user:1:rwx",
          "u::rwx,u:1:rwx:1,g::r-x,o::---", "user::rwx,owner@:rwxp::allow",
          "user:99999999999999999999:rwx,mask::rwx", ",,,,\n\n::::"}) {
        const std::string name = "text" + std::to_string(number++);
        EXPECT_EQ(refusal([&] {
                      apply(TarBuilder()
                                .pax("SCHILY.acl.access", text)
                                .pax("SCHILY.acl.default", text)
                                .directory(name)
                                .finish());
                  }),
                  "")
            << text;
        EXPECT_EQ(acl(upper(name.c_str())).find("none"), 0U) << text;
    }
}

TEST_F(AclTest, MoreThanTheFileSystemHoldsIsAnError) {
    std::vector<os::AclEntry> entries{
        {AclTag::owner, 7}, {AclTag::owning_group, 5}, {AclTag::mask, 7}, {AclTag::other, 0}};
    for (std::uint32_t id = 1; id < 20000; ++id) entries.push_back({AclTag::user, 7, id});
    EXPECT_THAT(refusal([&] {
                    apply(TarBuilder()
                              .pax(access_record, *os::encode_acl(entries))
                              .file("large", "")
                              .finish());
                }),
                HasSubstr("large"));
}

}  // namespace
}  // namespace brig::archive
