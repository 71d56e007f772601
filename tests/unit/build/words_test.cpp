// Environment replacement as the Dockerfile reference defines it.
#include "build/words.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::build {
namespace {

std::optional<std::string> variable(std::string_view name) {
    if (name == "V") return "value";
    if (name == "EMPTY") return "";
    if (name == "LIST") return "80 443/tcp";
    if (name == "FILE") return "/a/b.tar.gz";
    if (name == "I_1") return "x";
    return std::nullopt;
}

struct Case {
    std::string word;
    std::string result;
};
class Expand : public testing::TestWithParam<Case> {};

TEST_P(Expand, Word) {
    EXPECT_EQ(expand(GetParam().word, '\\', variable), GetParam().result) << GetParam().word;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Expand,
    testing::Values(Case{"$V", "value"}, Case{"${V}x", "valuex"}, Case{"$Vx", ""},
                    Case{"a$V/b", "avalue/b"}, Case{"$I_1", "x"}, Case{"$UNSET", ""},
                    Case{"${UNSET}", ""}, Case{"\\$V", "$V"}, Case{"'$V'", "$V"},
                    Case{"\"$V\"", "value"}, Case{"\"\\$V\"", "$V"}, Case{"\"a\\nb\"", "a\\nb"},
                    Case{"\"a\\\"b\"", "a\"b"}, Case{"a\\b", "ab"}, Case{"a\\\\b", "a\\b"},
                    Case{"a' 'b", "a b"}, Case{"$", "$"}, Case{"a$/b", "a$/b"}, Case{"$1x", "x"},
                    Case{"${UNSET:-d}", "d"}, Case{"${V:-d}", "value"}, Case{"${EMPTY:-d}", "d"},
                    Case{"${EMPTY-d}", ""}, Case{"${UNSET-d}", "d"}, Case{"${UNSET:+d}", ""},
                    Case{"${V:+d}", "d"}, Case{"${EMPTY:+d}", ""}, Case{"${EMPTY+d}", "d"},
                    Case{"${UNSET:-${V}}", "value"}, Case{"${UNSET:-a${V:+b}c}", "abc"},
                    Case{"${UNSET:-'$V'}", "$V"}, Case{"${V:?gone}", "value"},
                    Case{"${FILE#*/}", "a/b.tar.gz"}, Case{"${FILE##*/}", "b.tar.gz"},
                    Case{"${FILE%.*}", "/a/b.tar"}, Case{"${FILE%%.*}", "/a/b"},
                    Case{"${FILE/a/X}", "/X/b.tar.gz"}, Case{"${FILE//a/X}", "/X/b.tXr.gz"},
                    Case{"${FILE//\\//_}", "_a_b.tar.gz"}, Case{"${V#nothing}", "value"},
                    Case{"${V%%*}", ""}, Case{"\xc3\xa9$V", "\xc3\xa9value"}, Case{"", ""},
                    Case{"a\\", "a"}));

TEST(ExpandErrors, AreNamed) {
    const auto message = [](std::string_view word) -> std::string {
        try {
            expand(word, '\\', variable);
        } catch (const Error& error) {
            return error.message();
        }
        return "";
    };
    EXPECT_EQ(message("${V"), "syntax error: missing '}'");
    EXPECT_EQ(message("${V:-x"), "syntax error: missing '}'");
    EXPECT_EQ(message("'x"), "unexpected end of statement while looking for matching single-quote");
    EXPECT_EQ(message("\"x"),
              "unexpected end of statement while looking for matching double-quote");
    EXPECT_EQ(message("${V:^x}"), "unsupported modifier (:^) in substitution");
    EXPECT_EQ(message("${UNSET:?must be given}"), "UNSET: must be given");
    EXPECT_NE(message("${}"), "");
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "${U:-";
    EXPECT_EQ(message(deep), "variable substitution is nested too deeply");
}

TEST(ExpandToWords, SplitsWhatWasNotQuoted) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(expand_to_words("$LIST 8080", '\\', variable), (Words{"80", "443/tcp", "8080"}));
    EXPECT_EQ(expand_to_words("\"$LIST\"", '\\', variable), (Words{"80 443/tcp"}));
    EXPECT_EQ(expand_to_words("$UNSET", '\\', variable), Words{});
    EXPECT_EQ(expand_to_words("''", '\\', variable), Words{""});
}

TEST(SplitWords, KeepsQuotesAndEscapes) {
    using Words = std::vector<std::string>;
    EXPECT_EQ(split_words("a=\"b c\"  d='e \\' f\\ g", '\\'),
              (Words{"a=\"b c\"", "d='e \\'", "f\\ g"}));
    EXPECT_EQ(split_words("  ", '\\'), Words{});
}

TEST(ExpandHeredoc, LeavesQuotesAlone) {
    EXPECT_EQ(expand_heredoc("it's \"$V\" \\$V\n", '\\', variable), "it's \"value\" $V\n");
}

}  // namespace
}  // namespace brig::build
