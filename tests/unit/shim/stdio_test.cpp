// Standard streams and terminals of tasks: logs, attached clients, what is held back and what is
// not.
#include <gmock/gmock.h>

#include "supervisor_fixture.h"

namespace brig::shim {
namespace {

using ::testing::HasSubstr;
using StdioTest = SupervisorTest;

TEST_F(StdioTest, AllOutputIsInTheLogBeforeTheExit) {
    const TaskSpec spec = make(
        "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo bad >&2; printf end");
    EXPECT_EQ(run_to_end(spec), 0);
    const std::string out = logged(spec, "stdout");
    EXPECT_THAT(out, testing::StartsWith("line 0\nline 1\n"));
    EXPECT_THAT(out, testing::EndsWith("line 2999\nend"));
    EXPECT_EQ(std::ranges::count(out, '\n'), 3000);
    EXPECT_EQ(logged(spec, "stderr"), "bad\n");
}

TEST_F(StdioTest, AttachedBeforeCreateLosesNothing) {
    const TaskSpec spec = make(
        "echo out; echo err >&2; dd if=/dev/zero bs=1000 count=3000 2>/dev/null | tr '\\000' x; "
        "echo last");
    const Fd early = client_->attach(spec.id, "", {});
    client_->create(spec);
    const Fd late = client_->attach(spec.id, "", {.err = false, .detach_keys = {}});
    std::string late_text;
    std::thread late_reader([&] { late_text = read_all(late); });
    client_->start(spec.id);
    const auto [out, err] = demultiplex(read_all(early));
    late_reader.join();
    EXPECT_EQ(out.size(), 4 + 3'000'000 + 5U);
    EXPECT_THAT(out, testing::EndsWith("last\n"));
    EXPECT_EQ(err, "err\n");
    EXPECT_EQ(demultiplex(late_text).first, out);
    EXPECT_EQ(client_->wait(spec.id).status, 0);
}

TEST_F(StdioTest, EarlyClientThatLeavesIsForgotten) {
    client_->list();
    const auto before = open_descriptors(shim_);
    { const Fd early = client_->attach("shimtest-never", "", {}); }
    client_->list();
    for (int i = 0; i < 100 && open_descriptors(shim_) > before; ++i) ::usleep(10'000);
    EXPECT_LE(open_descriptors(shim_), before);
}

TEST_F(StdioTest, InputGoesThroughCatAndEnds) {
    TaskSpec spec = make("cat");
    spec.open_stdin = spec.stdin_once = true;
    const Fd stream = client_->attach(spec.id, "", {});
    client_->launch(spec);
    std::string big;
    for (int i = 0; i < 200'000; ++i) big += fmt::format("{}\n", i);
    std::thread writer([&] {
        write_all(stream.get(), big);
        ::shutdown(stream.get(), SHUT_WR);
    });
    const std::string echoed = demultiplex(read_all(stream)).first;
    writer.join();
    EXPECT_TRUE(echoed == big);
    EXPECT_EQ(client_->wait(spec.id).status, 0);
}

TEST_F(StdioTest, InputStaysOpenForTheNextClientUnlessOnce) {
    TaskSpec spec = make("cat");
    spec.open_stdin = true;
    client_->launch(spec);
    for (const char* text : {"one\n", "two\n"}) {
        const Fd stream = client_->attach(spec.id, "", {});
        write_all(stream.get(), std::string_view(text));
        EXPECT_THAT(read_until(stream, "\n"), HasSubstr(text));
    }
    client_->close_stdin(spec.id, "");
    EXPECT_EQ(client_->wait(spec.id).status, 0);
    EXPECT_EQ(logged(spec, "stdout"), "one\ntwo\n");
}

TEST_F(StdioTest, ClientThatDoesNotReadHoldsTheProcessUntilItIsGone) {
    const TaskSpec spec = make("dd if=/dev/zero bs=100000 count=20 2>/dev/null | tr '\\000' x");
    Fd stuck = client_->attach(spec.id, "", {});
    client_->launch(spec);
    ::usleep(300'000);
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::running);
    stuck.reset();
    EXPECT_EQ(client_->wait(spec.id).status, 0);
    EXPECT_EQ(logged(spec, "stdout").size(), 2'000'000U);
}

TEST_F(StdioTest, DetachKeysEndTheAttachmentOnly) {
    TaskSpec spec = make("cat");
    spec.open_stdin = spec.stdin_once = true;
    client_->launch(spec);
    const Fd stream = client_->attach(spec.id, "", {.detach_keys = "\x10\x11"});
    write_all(stream.get(), std::string_view("a\x10"
                                             "b\n\x10\x11never\n"));
    EXPECT_EQ(demultiplex(read_all(stream)).first, "");
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::running);
    client_->close_stdin(spec.id, "");
    client_->wait(spec.id);
    EXPECT_EQ(logged(spec, "stdout"),
              "a\x10"
              "b\n");
}

TEST_F(StdioTest, TerminalIsRawAndResized) {
    TaskSpec spec = make("stty size; read line; stty size; echo got $line", true);
    spec.open_stdin = true;
    const Fd stream = client_->attach(spec.id, "", {});
    client_->launch(spec);
    EXPECT_EQ(read_until(stream, "\n"), "40 100\r\n");
    client_->resize(spec.id, "", {132, 50});
    write_all(stream.get(), std::string_view("hi\n"));
    EXPECT_THAT(read_all(stream),
                testing::AllOf(HasSubstr("50 132\r\n"), testing::EndsWith("got hi\r\n")));
    EXPECT_EQ(client_->wait(spec.id).status, 0);
    EXPECT_THAT(logged(spec, "stdout"), HasSubstr("got hi\r\n"));
}

TEST_F(StdioTest, ExecHasItsOwnStdioAndExit) {
    const TaskSpec spec = make("sleep 100");
    client_->launch(spec);
    ExecSpec exec = make_exec(spec, "cat; echo err >&2; exit 5");
    exec.open_stdin = true;
    const auto started = client_->exec_start(exec, AttachOptions{});
    EXPECT_GT(started.pid, 0);
    write_all(started.stream.get(), std::string_view("through"));
    ::shutdown(started.stream.get(), SHUT_WR);
    EXPECT_EQ(demultiplex(read_all(started.stream)),
              std::pair(std::string("through"), std::string("err\n")));
    EXPECT_EQ(client_->wait(spec.id, exec.exec_id).status, 5);
    EXPECT_EQ(client_->remove(spec.id, exec.exec_id).status, 5);
    EXPECT_THROW(client_->state(spec.id, exec.exec_id), Error);

    const ExecSpec detached = make_exec(spec, "exit 6");
    client_->exec_start(detached, std::nullopt);
    EXPECT_EQ(client_->wait(spec.id, detached.exec_id).status, 6);

    const ExecSpec steps = make_exec(spec, "stty size", true);
    client_->exec(steps);
    const Fd stream = client_->attach(spec.id, steps.exec_id, {});
    client_->start(spec.id, steps.exec_id);
    EXPECT_THAT(read_all(stream), testing::EndsWith("\r\n"));
    EXPECT_EQ(logged(spec, "stdout"), "");
}

TEST_F(StdioTest, BackgroundWriterDoesNotHoldBackTheExit) {
    const TaskSpec spec = make("sleep 100");
    client_->launch(spec);
    const ExecSpec exec = make_exec(spec, "echo now; (sleep 50; echo later) & exit 0");
    const auto started = client_->exec_start(exec, AttachOptions{});
    EXPECT_EQ(demultiplex(read_all(started.stream)).first, "now\n");
    EXPECT_EQ(client_->wait(spec.id, exec.exec_id).status, 0);
    client_->remove(spec.id, exec.exec_id);
}

}  // namespace
}  // namespace brig::shim
