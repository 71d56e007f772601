// Layers of a user namespace: what is on disk, and that it goes back into the archive it came from.
#include <gmock/gmock.h>

#include "archive/nodes.h"
#include "fixture.h"
#include "os/posix_acl.h"
#include "os/sandbox.h"
#include "os/xattr.h"

namespace brig::archive {
namespace {

using os::AclTag;
using ::testing::HasSubstr;
using namespace std::string_literals;

class OwnerLayerTest : public LayerTest {
protected:
    [[nodiscard]] LayerTree mapped(LayerForm form, int lowers = 0) const {
        LayerTree out = tree(form, lowers);
        out.owners = map_;
        return out;
    }
    Applied unpack(const std::string& tar, int lowers = 0, LayerForm form = LayerForm::overlay,
                   const ApplyOptions& options = {}) {
        return apply_tar(*from_memory(tar), mapped(form, lowers), options);
    }
    std::string written(LayerForm form, int lowers = 0) const {
        std::string out;
        write_layer(mapped(form, lowers), into(out));
        return out;
    }
    static Sink into(std::string& out) {
        return [&out](std::span<const std::byte> data) {
            out.append(reinterpret_cast<const char*>(data.data()), data.size());
        };
    }
    static void expect_owner(const fs::path& path, uid_t user, gid_t group) {
        const auto info = look(path);
        EXPECT_EQ(info.st_uid, user) << path;
        EXPECT_EQ(info.st_gid, group) << path;
    }
    [[nodiscard]] static std::optional<std::string> xattr(const fs::path& path, const char* key) {
        const Fd directory = open_file(path.parent_path().string(), O_RDONLY | O_DIRECTORY);
        return os::get_xattr(directory.get(), path.filename().string(), key);
    }
    void empty_upper() const {
        remove_tree(base_ / "upper");
        fs::create_directory(base_ / "upper");
    }

    OwnerMap map_{{{0, 100000, 65536}}, {{0, 200000, 65536}}};
};

std::string acl_of(std::uint32_t user, std::uint32_t group) {
    return *os::encode_acl({{AclTag::owner, 7},
                            {AclTag::user, 7, user},
                            {AclTag::owning_group, 5},
                            {AclTag::group, 5, group},
                            {AclTag::mask, 7},
                            {AclTag::other, 0}});
}

const std::string capability_2 = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;
const std::string capability_3 = "\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xa0\x86\1\0"s;

/// All kinds of entries, as our own writer orders and spells them.
std::string various() {
    return TarBuilder()
        .directory("d/")
        .file("d/a", "first", {.mode = 06755, .uid = 1, .gid = 2})
        .hardlink("d/b", "d/a")
        .symlink("d/c", "a")
        .node("d/pipe", '6', 0, 0)
        .file("d/root", "")
        .file("last", "", {.uid = 65535, .gid = 65535})
        .finish();
}

TEST_F(OwnerLayerTest, OwnersAreTheHosts) {
    for (const auto form : {LayerForm::overlay, LayerForm::full}) {
        unpack(various(), 0, form);
        expect_owner(upper("d"), 100000, 200000);
        expect_owner(upper("d/a"), 100001, 200002);
        EXPECT_EQ(look(upper("d/a")).st_mode & 07777U, 06755U);
        EXPECT_EQ(look(upper("d/b")).st_ino, look(upper("d/a")).st_ino);
        expect_owner(upper("d/c"), 100000, 200000);
        expect_owner(upper("d/pipe"), 100000, 200000);
        expect_owner(upper("last"), 165535, 265535);
        empty_upper();
    }
}

TEST_F(OwnerLayerTest, TheRoundTripGivesTheSameBytes) {
    // As it is written without a mapping: then the two have the same digest.
    apply(various());
    const auto plain = layer_of(LayerForm::overlay, 0);
    empty_upper();
    unpack(plain);
    EXPECT_EQ(written(LayerForm::overlay), plain);
    EXPECT_EQ(written(LayerForm::full), plain);
    std::string out;
    write_tree(open("upper"), into(out), {.owners = map_});
    EXPECT_EQ(out, plain);
}

TEST_F(OwnerLayerTest, DirectoriesThatNobodyNames) {
    unpack(TarBuilder().file("a/b/c", "").finish());
    expect_owner(upper("a"), 100000, 200000);
    expect_owner(upper("a/b"), 100000, 200000);
}

TEST_F(OwnerLayerTest, AnOwnerForAllIsOneOfTheArchive) {
    ApplyOptions options;
    options.owner = {7, 8};
    options.directory = "made/here";
    unpack(TarBuilder().file("f", "", {.uid = 99999, .gid = 99999}).finish(), 0, LayerForm::full,
           options);
    expect_owner(upper("made/here/f"), 100007, 200008);
    expect_owner(upper("made/here"), 100000, 200000);
}

TEST_F(OwnerLayerTest, WhiteoutsAndLinksToLowerLayers) {
    if (os::sandbox_kind() != os::SandboxKind::namespaces) GTEST_SKIP() << "overlay is Linux's";
    write(base_ / "lower1/d/gone", "");
    write(base_ / "lower1/d/kept", "body");
    for (const char* name : {"d", "d/gone", "d/kept"})
        ASSERT_EQ(::lchown((base_ / "lower1" / name).c_str(), 100005, 200006), 0);
    const auto tar = TarBuilder()
                         .file("d/.wh.gone", "")
                         .hardlink("d/more", "d/kept")
                         .directory("e/")
                         .file("e/.wh..wh..opq", "")
                         .finish();
    unpack(tar, 1);
    EXPECT_TRUE(is_whiteout(look(upper("d/gone"))));
    expect_owner(upper("d"), 100005, 200006);
    expect_owner(upper("d/kept"), 100005, 200006);
    const auto layer = written(LayerForm::overlay, 1);
    EXPECT_THAT(layer, HasSubstr("d/.wh.gone"));
    // Into a whole tree, where they are carried out.
    empty_upper();
    fs::copy(base_ / "lower1", base_ / "upper", fs::copy_options::recursive);
    unpack(layer, 0, LayerForm::full);
    EXPECT_FALSE(fs::exists(upper("d/gone")));
    expect_owner(upper("d/more"), 100005, 200006);
}

TEST_F(OwnerLayerTest, Devices) {
    try {
        unpack(TarBuilder().node("null", '3', 1, 3).finish());
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::permission_denied) throw;
        GTEST_SKIP() << e.message();
    }
    EXPECT_TRUE(S_ISCHR(look(upper("null")).st_mode));
    expect_owner(upper("null"), 100000, 200000);
    EXPECT_THAT(written(LayerForm::overlay), HasSubstr("null"));
}

TEST_F(OwnerLayerTest, CapabilitiesCountInTheNamespace) {
    if (os::sandbox_kind() != os::SandboxKind::namespaces)
        GTEST_SKIP() << "this kernel has no file capabilities";
    const auto tar = TarBuilder()
                         .pax("SCHILY.xattr.security.capability", capability_2)
                         .file("ping", "", {.mode = 0755})
                         .finish();
    apply(tar);
    const auto plain = layer_of(LayerForm::overlay, 0);
    empty_upper();
    unpack(tar);
    EXPECT_EQ(xattr(upper("ping"), "security.capability"), capability_3);
    EXPECT_EQ(written(LayerForm::overlay), plain);
}

TEST_F(OwnerLayerTest, AclsNameTheHostsUsers) {
    const auto tar = TarBuilder()
                         .pax("SCHILY.xattr.system.posix_acl_access", acl_of(1000, 50))
                         .pax("SCHILY.xattr.system.posix_acl_default", acl_of(1000, 50))
                         .directory("d/", 0770)
                         .pax("SCHILY.acl.access",
                              "user::rwx,user:lisa:rwx:1000,group::r-x,group:team:r-x:50,mask::rwx,"
                              "other::---")
                         .file("d/f", "", {.mode = 0770})
                         .finish();
    apply(tar);
    if (!xattr(upper("d"), os::access_acl))
        GTEST_SKIP() << "the file system of " << base_ << " has no POSIX ACLs";
    const auto plain = layer_of(LayerForm::overlay, 0);
    empty_upper();
    unpack(tar);
    EXPECT_EQ(xattr(upper("d"), os::access_acl), acl_of(101000, 200050));
    EXPECT_EQ(xattr(upper("d"), os::default_acl), acl_of(101000, 200050));
    EXPECT_EQ(xattr(upper("d/f"), os::access_acl), acl_of(101000, 200050));
    EXPECT_EQ(written(LayerForm::overlay), plain);
}

TEST_F(OwnerLayerTest, WhoIsNotMappedIsRefusedByName) {
    EXPECT_THAT(refusal([&] { unpack(TarBuilder().file("d/far", "", {.uid = 65536}).finish()); }),
                HasSubstr("d/far: user 65536 has no place in the mapping 0:100000:65536"));
    EXPECT_THAT(refusal([&] { unpack(TarBuilder().file("d/far", "", {.gid = 70000}).finish()); }),
                HasSubstr("d/far: group 70000 has no place in the mapping 0:200000:65536"));
    EXPECT_FALSE(fs::exists(upper("d/far")));
    // An extra name has its first one's owner.
    EXPECT_EQ(refusal([&] { unpack(TarBuilder().file("a", "").hardlink("b", "a").finish()); }), "");
}

TEST_F(OwnerLayerTest, WhoIsNotMappedDoesNotGetOut) {
    unpack(TarBuilder().directory("d/").finish());
    write(upper("d/stray"), "");  // the host's root
    EXPECT_THAT(refusal([&] { written(LayerForm::overlay); }),
                HasSubstr("d/stray: user 0 of the host has no place"));
    EXPECT_THAT(refusal([&] { write_node(open("upper"), "d", [](auto) {}, {.owners = map_}); }),
                HasSubstr("d/stray: user 0 of the host"));
}

}  // namespace
}  // namespace brig::archive
