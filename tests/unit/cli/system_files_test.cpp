// What brig system setup does to an administrator's files.
#include "cli/system_files.h"

#include <gtest/gtest.h>

namespace brig::cli {
namespace {

const Settings anchors{{"nat-anchor", "brig/*"}, {"rdr-anchor", "brig/*"}, {"anchor", "brig/*"}};

TEST(SystemFiles, AssignmentsAreAddedOrChangedAndNothingElse) {
    const std::string before =
        "# mine\nhostname=\"box\"\npf_enable=\"NO\"   # "
        "later\nsshd_enable=yes\n#brigd_enable=\"NO\"\n";
    EXPECT_EQ(with_assignments(
                  before, {{"pf_enable", "YES"}, {"sshd_enable", "YES"}, {"brigd_enable", "YES"}}),
              "# mine\nhostname=\"box\"\npf_enable=\"YES\"\nsshd_enable=yes\n#brigd_enable=\"NO\"\n"
              "brigd_enable=\"YES\"\n");
    EXPECT_EQ(with_assignments("", {{"a", "1"}}), "a=\"1\"\n");
    EXPECT_EQ(with_assignments("no newline", {{"a", "1"}}), "no newline\na=\"1\"\n");
}

TEST(SystemFiles, TheLastAssignmentCounts) {
    EXPECT_EQ(with_assignments("a=1\na=0\n", {{"a", "1"}}), "a=1\na=\"1\"\n");
    EXPECT_EQ(with_assignments("a=0\na='1' # yes\n", {{"a", "1"}}), "a=0\na='1' # yes\n");
    EXPECT_EQ(with_assignments("ab=1\n", {{"a", "1"}}), "ab=1\na=\"1\"\n");
}

TEST(SystemFiles, AnchorsGoWherePfWantsThem) {
    EXPECT_EQ(with_anchors("", anchors),
              "nat-anchor \"brig/*\"\nrdr-anchor \"brig/*\"\nanchor \"brig/*\"\n");
    EXPECT_EQ(with_anchors("ext = \"em0\"\nset skip on lo0\n"
                           "nat on $ext from { 10.0.0.0/8, \\\n  10.1.0.0/16 } -> ($ext)\n"
                           "# filter\nblock in\npass out\n",
                           anchors),
              "ext = \"em0\"\nset skip on lo0\n"
              "nat on $ext from { 10.0.0.0/8, \\\n  10.1.0.0/16 } -> ($ext)\n"
              "nat-anchor \"brig/*\"\nrdr-anchor \"brig/*\"\n"
              "# filter\nblock in\npass out\nanchor \"brig/*\"\n");
    EXPECT_EQ(with_anchors("scrub in all\nanchor \"mine\" {\n  pass in\n}\nblock in\n", anchors),
              "scrub in all\nnat-anchor \"brig/*\"\nrdr-anchor \"brig/*\"\n"
              "anchor \"mine\" {\n  pass in\n}\nblock in\nanchor \"brig/*\"\n");
}

TEST(SystemFiles, AnchorsThatAreThereAreNotAddedAgain) {
    const auto once = with_anchors("block in\n", anchors);
    EXPECT_EQ(with_anchors(once, anchors), once);
    EXPECT_EQ(
        with_anchors("nat-anchor   \"brig/*\" # ours\nrdr-anchor \"brig/*\" all\nanchor brig/*\n",
                     anchors),
        "nat-anchor   \"brig/*\" # ours\nrdr-anchor \"brig/*\" all\nanchor brig/*\n");
}

TEST(SystemFiles, DiffsShowChangesWithTheirSurroundings) {
    EXPECT_EQ(unified_diff("f", "a\n", "a\n"), "");
    EXPECT_EQ(unified_diff("f", "", "a\n"), "--- f\n+++ f\n@@ line 1 @@\n+a\n");
    EXPECT_EQ(unified_diff("f", "1\n2\n3\n4\n5\n", "1\n2\n3\nx\n5\n", 1),
              "--- f\n+++ f\n@@ line 3 @@\n 3\n-4\n+x\n 5\n");
}

}  // namespace
}  // namespace brig::cli
