// .dockerignore as docker reads it: one table of (patterns, path, verdict).
#include "oci/ignore.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "oci/glob.h"

namespace brig::oci {
namespace {

struct Case {
    std::string file;
    std::string path;
    bool excluded;
};

class Ignore : public testing::TestWithParam<Case> {};

TEST_P(Ignore, LastMatchingPatternDecides) {
    const auto& [file, path, excluded] = GetParam();
    EXPECT_EQ(IgnorePatterns::parse(file).excludes(path), excluded) << file << " on " << path;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Ignore,
    testing::Values(
        Case{"", "a", false}, Case{"a", "a", true}, Case{"a", "ab", false},
        Case{"a", "a/b/c", true}, Case{"/a", "a", true}, Case{"./a/", "a", true},
        Case{"a/../b", "b", true}, Case{"# a\na b", "a b", true}, Case{"#a", "#a", false},
        Case{"  a  \r\n", "a", true},
        Case{"\xef\xbb\xbf"
             "a",
             "a", true},
        Case{"*", "a", true}, Case{"*", "a/b", true}, Case{"*.md", "x.md", true},
        Case{"*.md", "d/x.md", false}, Case{"*/x", "d/x", true}, Case{"**/*.md", "x.md", true},
        Case{"**/*.md", "d/e/x.md", true}, Case{"**", "a/b", true}, Case{"a/**", "a/b/c", true},
        Case{"a/**", "a", false}, Case{"a/**/z", "a/z", true}, Case{"a/**/z", "a/b/c/z", true},
        Case{"a/**/z", "a/bz", false}, Case{"a**", "abc/d", true}, Case{"**/a", "b/a/c", true},
        Case{"a?c", "abc", true}, Case{"a?c", "a/c", false}, Case{"[a-c]x", "bx", true},
        Case{"[^a-c]x", "bx", false}, Case{"[^a-c]x", "dx", true}, Case{"a\\*", "a*", true},
        Case{"a\\*", "ab", false}, Case{"?", "\xc3\xa9", true},
        Case{"*.md\n!README.md", "README.md", false}, Case{"*.md\n!README.md", "a.md", true},
        Case{"!README.md\n*.md", "README.md", true}, Case{"d\n!d/keep", "d/keep", false},
        Case{"d\n!d/keep", "d/other", true}, Case{"*\n! a ", "a", false}, Case{"a.b", "aXb", false},
        Case{"a+(b)", "a+(b)", true}, Case{".", "a", false}, Case{"../a", "a", false}));

TEST(IgnorePatternsTest, SkipsATreeOnlyWhenNothingBeneathCanComeBack) {
    EXPECT_TRUE(IgnorePatterns::parse("d").excludes_tree("d"));
    EXPECT_FALSE(IgnorePatterns::parse("d\n!d/a/keep").excludes_tree("d"));
    EXPECT_FALSE(IgnorePatterns::parse("d\n!d/a/keep").excludes_tree("d/a"));
    EXPECT_TRUE(IgnorePatterns::parse("d\n!d/a/keep").excludes_tree("d/b"));
    EXPECT_FALSE(IgnorePatterns::parse("*\n!**/keep").excludes_tree("d"));
    EXPECT_TRUE(IgnorePatterns::parse("*\n!x/*.c").excludes_tree("d"));
    EXPECT_FALSE(IgnorePatterns::parse("").excludes_tree("d"));
}

TEST(IgnorePatternsTest, NamesAMalformedPattern) {
    for (const auto* bad : {"!", "a[", "[]a]", "[-]", "a[b-", "x\\"}) {
        EXPECT_THROW(IgnorePatterns::parse(bad), Error) << bad;
    }
}

TEST(IgnorePatternsTest, ManyStarsStayFast) {
    std::string pattern;
    for (int i = 0; i < 60; ++i) pattern += "*a**b";
    EXPECT_FALSE(IgnorePatterns::parse(pattern).excludes(std::string(3000, 'a')));
}

TEST(Glob, MatchesAsGo) {
    EXPECT_TRUE(glob_match("a*b?c*x", "abxbbxdbxebxczzx"));
    EXPECT_FALSE(glob_match("a*b?c*x", "abxbbxdbxebxczzy"));
    EXPECT_FALSE(glob_match("a*", "a/b"));
    EXPECT_TRUE(glob_match("a*/b", "aa/b"));
    EXPECT_TRUE(glob_match("*.txt", ".txt"));
    EXPECT_TRUE(glob_match("[\\]a]", "]"));
    EXPECT_TRUE(glob_match("a\\?b", "a?b"));
    EXPECT_TRUE(glob_match("a???b",
                           "a\xe2\x98\xba"
                           "xyb"));
    EXPECT_TRUE(glob_match("*", ""));
    EXPECT_FALSE(glob_match("", "a"));
    EXPECT_THROW(glob_match("a[", "b"), Error);
    EXPECT_THROW(glob_match("[x-]", "x"), Error);
}

TEST(CleanPath, AsGo) {
    for (const auto& [given, clean] :
         std::vector<std::pair<std::string, std::string>>{{"", "."},
                                                          {"/", "/"},
                                                          {"a/", "a"},
                                                          {"a//b/./c", "a/b/c"},
                                                          {"a/../b", "b"},
                                                          {"../a", "../a"},
                                                          {"a/../../b", "../b"},
                                                          {"/../a", "/a"},
                                                          {"/a/../..", "/"},
                                                          {"a/..", "."},
                                                          {"..", ".."},
                                                          {"../..", "../.."},
                                                          {"../../a/../..", "../../.."}}) {
        EXPECT_EQ(clean_path(given), clean) << given;
    }
}

}  // namespace
}  // namespace brig::oci
