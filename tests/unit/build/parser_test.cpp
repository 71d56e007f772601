// From Dockerfile text to the tree, and the words of every mistake.
#include <gtest/gtest.h>

#include "base/error.h"
#include "build/dockerfile.h"

namespace brig::build {
namespace {

using Words = std::vector<std::string>;

Instruction one(const std::string& text) {
    auto file = Dockerfile::parse("FROM scratch\n" + text);
    return file.stages.at(0).instructions.at(0);
}

std::string mistake(const std::string& text) {
    try {
        Dockerfile::parse(text);
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
        return error.message();
    }
    return "";
}

TEST(Parser, JoinsContinuationsAndDropsCommentsWithin) {
    const auto run = one("  run a \\\n  # comment\n\n   && b\\\t \r\n && c # not one\nUSER x");
    EXPECT_EQ(run.keyword, "RUN");
    EXPECT_EQ(run.args, Words{"a    && b && c # not one"});
    EXPECT_EQ(run.original, "RUN a    && b && c # not one");
    EXPECT_EQ(run.line, 2);
    const auto file = Dockerfile::parse("FROM scratch\nRUN a \\\n\n# x\n b\nUSER x");
    EXPECT_EQ(file.stages[0].instructions[1].line, 6);
}

TEST(Parser, EscapeDirectiveChangesTheContinuation) {
    const auto file = Dockerfile::parse(
        "# syntax=docker/dockerfile:1\n# Escape = `\nFROM scratch\nCOPY a `\n c:\\\n");
    EXPECT_EQ(file.escape, '`');
    EXPECT_EQ(file.stages[0].instructions[0].args, (Words{"a", "c:\\"}));
    // After any other comment it is no directive.
    EXPECT_EQ(Dockerfile::parse("# hello\n# escape=`\nFROM scratch").escape, '\\');
    EXPECT_EQ(
        mistake("# escape=x\nFROM scratch"),
        "Dockerfile:1: dockerfile parse error on line 1: invalid ESCAPE 'x'. Must be ` or \\");
}

TEST(Parser, ShellAndExecForm) {
    EXPECT_TRUE(one("CMD [\"a\", \"b c\"]").exec_form);
    EXPECT_EQ(one("CMD [\"a\", \"b c\"]").args, (Words{"a", "b c"}));
    EXPECT_FALSE(one("CMD [\"a\", 1]").exec_form);
    EXPECT_EQ(one("CMD ['a']").args, Words{"['a']"});
    EXPECT_EQ(one("ENTRYPOINT a  b").args, Words{"a  b"});
    EXPECT_TRUE(one("CMD []").exec_form);
    EXPECT_EQ(one("SHELL [\"sh\",\"-ec\"]").args, (Words{"sh", "-ec"}));
}

TEST(Parser, NameValues) {
    using Pairs = decltype(Instruction::pairs);
    EXPECT_EQ(one("ENV a b  c ").pairs, (Pairs{{"a", "b  c"}}));
    EXPECT_EQ(one("ENV a=\"b c\" d=e\\ f g=").pairs,
              (Pairs{{"a", "\"b c\""}, {"d", "e\\ f"}, {"g", ""}}));
    EXPECT_EQ(one("LABEL \"x y\"=z").pairs, (Pairs{{"\"x y\"", "z"}}));
    EXPECT_EQ(one("ARG a b=c").pairs, (Pairs{{"a", std::nullopt}, {"b", "c"}}));
}

TEST(Parser, Flags) {
    const auto copy = one("COPY --from=build --chown=\"a b\" --link a b");
    EXPECT_EQ(copy.flag("from"), "build");
    EXPECT_EQ(copy.flag("chown"), "a b");
    EXPECT_EQ(copy.flag("link"), "");
    EXPECT_EQ(copy.flag("chmod"), std::nullopt);
    EXPECT_EQ(copy.args, (Words{"a", "b"}));
    EXPECT_EQ(one("COPY -- --a b").args, (Words{"--a", "b"}));
}

TEST(Parser, Stages) {
    const auto file = Dockerfile::parse(
        "ARG V=1\nFROM --platform=linux/arm64 a:$V AS Build\nRUN x\nFROM build\n");
    ASSERT_EQ(file.stages.size(), 2U);
    EXPECT_EQ(file.global_args.size(), 1U);
    EXPECT_EQ(file.stages[0].name, "build");
    EXPECT_EQ(file.stages[0].base, "a:$V");
    EXPECT_EQ(file.stages[0].platform, "linux/arm64");
    EXPECT_EQ(file.stages[1].base, "build");
}

TEST(Parser, Heredocs) {
    const auto run = one("RUN <<EOF cat\na\n# b\nEOF\nUSER x");
    ASSERT_EQ(run.heredocs.size(), 1U);
    EXPECT_EQ(run.heredocs[0].content, "a\n# b\n");
    const auto copy = one("COPY <<-'A' <<B /x/\n\tone\n\tA\ntwo\nB\n");
    ASSERT_EQ(copy.heredocs.size(), 2U);
    EXPECT_EQ(copy.heredocs[0].name, "A");
    EXPECT_EQ(copy.heredocs[0].content, "one\n");
    EXPECT_FALSE(copy.heredocs[0].expand);
    EXPECT_TRUE(copy.heredocs[1].expand);
    EXPECT_EQ(mistake("FROM scratch\nRUN <<EOF\nx\n"),
              "Dockerfile:2: dockerfile parse error on line 2: unterminated heredoc");
}

TEST(Parser, OnBuildHoldsItsTrigger) {
    const auto on_build = one("ONBUILD COPY . /src");
    ASSERT_TRUE(on_build.trigger);
    EXPECT_EQ(on_build.trigger->keyword, "COPY");
    EXPECT_EQ(on_build.args, Words{"COPY . /src"});
}

TEST(Parser, HealthCheck) {
    EXPECT_EQ(one("HEALTHCHECK NONE").args, Words{"NONE"});
    EXPECT_EQ(one("HEALTHCHECK --retries=3 CMD wget x").args, (Words{"CMD-SHELL", "wget x"}));
    EXPECT_EQ(one("HEALTHCHECK cmd [\"a\",\"b\"]").args, (Words{"CMD", "a", "b"}));
}

TEST(Parser, MistakesNameFileLineAndInstruction) {
    const std::string start = "Dockerfile:2: dockerfile parse error on line 2: ";
    const std::vector<std::pair<std::string, std::string>> table{
        {"RUNN x", "unknown instruction: RUNN (did you mean RUN?)"},
        {"FROBNICATE x", "unknown instruction: FROBNICATE"},
        {"COPY a",
         "COPY requires at least two arguments, but only one was provided. Destination could not "
         "be determined"},
        {"COPY", "COPY requires at least two arguments"},
        {"RUN", "RUN requires at least one argument"},
        {"ENV", "ENV requires at least one argument"},
        {"ENV a", "ENV must have two arguments"},
        {"ENV a=b c", "Syntax error - can't find = in \"c\". Must be of the form: name=value"},
        {"ENV =b", "ENV names can not be blank"},
        {"COPY --frm=x a b", "unknown flag: --frm"},
        {"COPY --from a b", "missing a value on flag: --from"},
        {"COPY --from=a --from=b a b", "duplicate flag specified: --from"},
        {"WORKDIR", "WORKDIR requires exactly one argument"},
        {"SHELL sh", "SHELL requires the arguments to be in JSON form"},
        {"FROM a b", "FROM requires either one or three arguments"},
        {"FROM a AS 1x",
         "invalid name for build stage: \"1x\", name can't start with a number or contain symbols"},
        {"ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"},
        {"ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"},
        {"ONBUILD NOPE", "unknown instruction: NOPE"},
        {"HEALTHCHECK FOO x", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)"},
        {"HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"},
        {"VOLUME []", "VOLUME requires at least one argument"},
    };
    for (const auto& [line, message] : table) {
        EXPECT_EQ(mistake("FROM scratch\n" + line), start + message);
    }
    EXPECT_EQ(mistake("RUN x"),
              "Dockerfile:1: dockerfile parse error on line 1: no build stage in current context "
              "(RUN before FROM)");
    EXPECT_EQ(mistake(""), "the Dockerfile (Dockerfile) cannot be empty: it has no instructions");
    EXPECT_EQ(mistake("# only this\n\n"),
              "the Dockerfile (Dockerfile) cannot be empty: it has no instructions");
    EXPECT_EQ(mistake("ARG a"), "Dockerfile: no build stage in current context (there is no FROM)");
    EXPECT_NE(mistake(std::string("FROM a\0b", 8)), "");
}

TEST(Parser, ToleratesOddButLegalFiles) {
    EXPECT_EQ(Dockerfile::parse("\xef\xbb\xbf"
                                "FROM scratch\r\nRUN a\\\n")
                  .stages[0]
                  .instructions[0]
                  .args,
              Words{"a"});
    EXPECT_EQ(one("RUN a \\\\\nUSER b").args, Words{"a \\\\"});
    EXPECT_EQ(one("RUN echo \\\n").args, Words{"echo"});
}

}  // namespace
}  // namespace brig::build
