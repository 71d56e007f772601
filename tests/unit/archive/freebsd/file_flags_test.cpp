// Flags of files (chflags) through layers: what is schg in one is so on disk, and is in nobody's
// way when the tree is changed or goes.
#include "os/file_flags.h"

#include <gmock/gmock.h>

#include "archive/nodes.h"
#include "support/error_of.h"
#include "unit/archive/fixture.h"

namespace brig::archive {
namespace {

class FileFlags : public LayerTest {
protected:
    void TearDown() override {
        os::unprotect_tree(base_.native());
        LayerTest::TearDown();
    }
    [[nodiscard]] os::FileFlags flags(const char* path) const {
        return os::flags_of(look(upper(path)));
    }
};

/// As a base system's archive has them: a directory that nothing may be put into, a program with
/// two names.
std::string base_system() {
    return TarBuilder()
        .pax("SCHILY.fflags", "schg")
        .directory("empty/")
        .file("empty/inside", "1")
        .pax("SCHILY.fflags", "schg,uarch")
        .file("passwd", "program")
        .hardlink("yppasswd", "passwd")
        .pax("SCHILY.fflags", "nodump")
        .file("large", "1")
        .finish();
}

TEST_F(FileFlags, AreSetWhenAllIsThere) {
    apply_full(base_system());
    EXPECT_EQ(flags("empty"), SF_IMMUTABLE);
    EXPECT_EQ(flags("passwd"), SF_IMMUTABLE);
    EXPECT_EQ(flags("yppasswd"), SF_IMMUTABLE);
    EXPECT_EQ(flags("large"), UF_NODUMP);
    EXPECT_EQ(flags("empty/inside"), 0U);
    EXPECT_EQ(read_file(upper("empty/inside")), "1");
}

TEST_F(FileFlags, AreWrittenAndReadBack) {
    apply_full(base_system());
    const std::string once = layer_of(LayerForm::full, 0);
    EXPECT_NE(once.find("SCHILY.fflags=schg\n"), std::string::npos);
    os::unprotect_tree(upper("").native());
    remove_tree(base_ / "upper");
    fs::create_directory(base_ / "upper");
    apply_full(once);
    EXPECT_EQ(flags("passwd"), SF_IMMUTABLE);
    EXPECT_EQ(layer_of(LayerForm::full, 0), once);
}

TEST_F(FileFlags, DoNotKeepALaterLayerFromItsWork) {
    apply_full(base_system());
    apply_full(TarBuilder()
                   .file("empty/more", "2")
                   .file("passwd", "newer")
                   .file(".wh.yppasswd")
                   .hardlink("other", "large")
                   .finish());
    EXPECT_EQ(flags("empty"), SF_IMMUTABLE);  // it has got a file, and is what it was
    EXPECT_EQ(read_file(upper("empty/more")), "2");
    EXPECT_EQ(read_file(upper("passwd")), "newer");
    EXPECT_EQ(flags("passwd"), 0U);
    EXPECT_FALSE(fs::exists(upper("yppasswd")));
    apply_full(TarBuilder().directory("empty/").file("empty/.wh..wh..opq").finish());
    EXPECT_EQ(flags("empty"), 0U);
    EXPECT_TRUE(fs::is_empty(upper("empty")));
}

TEST_F(FileFlags, AloneAreAChange) {
    write(base_ / "lower1" / "file", "x");
    write(upper("file"), "x");
    same_times("file");
    EXPECT_TRUE(layer_changes(tree(LayerForm::full, 1)).empty());
    ASSERT_EQ(::chflags(upper("file").c_str(), SF_APPEND), 0);
    EXPECT_EQ(layer_changes(tree(LayerForm::full, 1)).size(), 1U);
}

TEST_F(FileFlags, AreInNobodysWayInTheEnd) {
    apply_full(base_system());
    os::remove_protected_tree_at(open("upper").get(), "empty");
    EXPECT_FALSE(fs::exists(upper("empty")));
    EXPECT_THAT(brig::test::error_of([&] { remove_tree(base_ / "upper"); }).message(),
                ::testing::HasSubstr("operation not permitted"));
    os::unprotect_tree(upper("").native());
    remove_tree(base_ / "upper");
    EXPECT_FALSE(fs::exists(upper("")));
}

TEST_F(FileFlags, AreNotTakenIntoTreesOfOurOwn) {
    apply_tar(*decompress(from_memory(base_system())), tree(LayerForm::full, 0),
              {.devices = Devices::skip});
    EXPECT_EQ(flags("passwd"), 0U);
    EXPECT_EQ(flags("empty"), 0U);
}

}  // namespace
}  // namespace brig::archive
