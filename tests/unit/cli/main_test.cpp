// The command line as a whole, where no engine is needed: usage errors, help, unknown commands.
#include "cli/main.h"

#include <gtest/gtest.h>

#include "unit/cli/captured.h"

namespace brig::cli {
namespace {

using test::Outcome;

Outcome brig(const std::vector<std::string>& arguments) {
    return test::brig_with("/nonexistent/brig.sock", arguments);
}

TEST(CommandLine, UnknownFlagsAndCommands) {
    Outcome o = brig({"run", "--foo", "img"});
    EXPECT_EQ(o.code, 125);
    EXPECT_EQ(o.err,
              "unknown flag: --foo\n\nUsage:  brig run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\n"
              "Run 'brig run --help' for more information\n");
    o = brig({"foo"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err, "brig: unknown command: brig foo\n\nRun 'brig --help' for more information\n");
    o = brig({"volume", "foo"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err,
              "brig: unknown command: brig volume foo\n\nUsage:  brig volume COMMAND\n\n"
              "Run 'brig volume --help' for more information\n");
    EXPECT_EQ(brig({"--foo"}).code, 125);
}

TEST(CommandLine, ArgumentCounts) {
    EXPECT_EQ(brig({"rm"}).err,
              "brig: 'brig rm' requires at least 1 argument\n\nUsage:  brig rm [OPTIONS] CONTAINER "
              "[CONTAINER...]\n\nSee 'brig rm --help' for more information\n");
    EXPECT_EQ(brig({"tag", "a"}).err,
              "brig: 'brig tag' requires 2 arguments\n\nUsage:  brig tag SOURCE_IMAGE[:TAG] "
              "TARGET_IMAGE[:TAG]\n\nRun 'brig tag --help' for more information\n");
    EXPECT_EQ(brig({"container", "ls", "x"}).err,
              "brig: 'brig container ls' accepts no arguments\n\nUsage:  brig "
              "container ls [OPTIONS]\n\nRun 'brig container ls --help' for more information\n");
    EXPECT_EQ(brig({"run"}).code, 1);
}

TEST(CommandLine, FailuresBeforeTheEngineIsAsked) {
    Outcome o = brig({"run", "-p", "abc", "img"});
    EXPECT_EQ(o.code, 125);
    EXPECT_EQ(o.err,
              "brig: invalid containerPort: abc\n\nRun 'brig run --help' for more information\n");
    o = brig({"run", "-d", "-a", "stdout", "img"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err, "conflicting options: cannot specify both --attach and --detach\n");
    o = brig({"inspect", "-f", "{{.Foo", "x"});
    EXPECT_EQ(o.code, 64);
    EXPECT_EQ(o.err, "template parsing error: template: :1: unclosed action\n");
    EXPECT_EQ(brig({"load", "-i", "/nonexistent"}).err,
              "open /nonexistent: no such file or directory\n");
    EXPECT_EQ(brig({"build", "/nonexistent"}).err,
              "unable to prepare context: path \"/nonexistent\" not found\n");
}

TEST(CommandLine, SaysThatNoEngineAnswers) {
    const Outcome o = brig({"ps"});
    EXPECT_EQ(o.code, 1);
    EXPECT_NE(o.err.find("Is brigd running?"), std::string::npos);
    EXPECT_EQ(brig({"run", "img"}).code, 125);
}

TEST(CommandLine, HelpIsOnStandardOutput) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                  {"--help"},
                                                  {"help"},
                                                  {"help", "run"},
                                                  {"run", "--help"},
                                                  {"ps", "-h"},
                                                  {"volume"},
                                                  {"image", "bootstrap", "--help"}}) {
        const Outcome o = brig(words);
        EXPECT_EQ(o.code, 0);
        EXPECT_TRUE(o.out.starts_with("Usage:  brig")) << o.out;
        EXPECT_EQ(o.err, "");
    }
    EXPECT_NE(brig({"run", "--help"}).out.find("  -i, --interactive "), std::string::npos);
}

}  // namespace
}  // namespace brig::cli
