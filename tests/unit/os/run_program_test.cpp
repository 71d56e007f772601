#include "os/run_program.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::os {
namespace {

TEST(RunProgram, TellsWhatItPrintedAndHowItEnded) {
    const auto good =
        run_program({.words = {"sh", "-c", "echo out; cat; echo err >&2"}, .keep_messages = true});
    EXPECT_TRUE(good.succeeded);
    EXPECT_EQ(good.output, "out\n");
    EXPECT_EQ(good.messages, "err\n");
    EXPECT_FALSE(run_program({.words = {"sh", "-c", "exit 3"}}).succeeded);
    EXPECT_FALSE(run_program({.words = {"sh", "-c", "kill -9 $$"}}).succeeded);
}

TEST(RunProgram, GivesItTheEnvironmentAskedFor) {
    const auto result =
        run_program({.words = {"/bin/sh", "-c", "echo $A$HOME"}, .environment = {{"A=1"}}});
    EXPECT_EQ(result.output, "1\n");
}

// More than a pipe holds, both ways, and it may end before it has read all.
TEST(RunProgram, GivesItItsInput) {
    const std::string much(1U << 20U, 'x');
    EXPECT_EQ(run_program({.words = {"cat"}, .input = much}).output, much);
    EXPECT_TRUE(run_program({.words = {"true"}, .input = much}).succeeded);
    const auto noisy = run_program(
        {.words = {"sh", "-c", "cat >&2"}, .input = much + "end", .keep_messages = true});
    EXPECT_TRUE(noisy.messages.ends_with("xend"));
}

TEST(RunProgram, NamesWhatCannotRun) {
    try {
        run_program({.words = {"no-such-program"}});
        FAIL() << "it ran";
    } catch (const SysError& e) {
        EXPECT_EQ(e.kind(), ErrorKind::not_found);
        EXPECT_NE(e.message().find("no-such-program"), std::string::npos);
    }
}

// A program that never stops writing is cut off, and ends by that.
TEST(RunProgram, TakesNoMoreThanAsked) {
    EXPECT_THROW(
        run_program({.words = {"sh", "-c", "while echo x; do :; done"}, .max_output = 4096}),
        Error);
}

}  // namespace
}  // namespace brig::os
