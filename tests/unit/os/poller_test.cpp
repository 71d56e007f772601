// Poller: what the supervisor's loop relies on.
#include "os/poller.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "os/process.h"

namespace brig::os {
namespace {

using std::chrono::milliseconds;

struct Recorder final : Watcher {
    void on_ready(Ready ready) override {
        ++calls;
        last = ready;
        if (then) then();
    }
    int calls = 0;
    Ready last;
    std::function<void()> then;
};

TEST(Poller, TellsReadableWritableAndHangup) {
    Poller poller;
    auto [ours, theirs] = make_socket_pair();
    Recorder recorder;
    Watch watch(poller, ours, recorder, {.readable = true});
    poller.run_once(milliseconds(0));
    EXPECT_EQ(recorder.calls, 0);
    write_all(theirs.get(), "x");
    poller.run_once();
    EXPECT_TRUE(recorder.last.readable);
    EXPECT_FALSE(recorder.last.writable);
    watch.set({.writable = true});
    poller.run_once();
    EXPECT_TRUE(recorder.last.writable);
    watch.set({.hangup = true});
    const int before = recorder.calls;
    poller.run_once(milliseconds(0));
    EXPECT_EQ(recorder.calls, before);
    theirs.reset();
    poller.run_once();
    EXPECT_TRUE(recorder.last.hangup);
}

TEST(Poller, IsSilentAboutWhatNobodyIsInterestedIn) {
    Poller poller;
    auto [ours, theirs] = make_pipe();
    Recorder recorder;
    Watch watch(poller, ours, recorder, {.readable = true});
    watch.set({});
    theirs.reset();
    poller.run_once(milliseconds(0));
    EXPECT_EQ(recorder.calls, 0);
}

TEST(Poller, DeliversNothingToAWatchThatEndedInTheSameRound) {
    Poller poller;
    auto first = make_pipe();
    auto second = make_pipe();
    Recorder a;
    Recorder b;
    auto watch_a = std::make_unique<Watch>(poller, first.first, a, Interest{.readable = true});
    auto watch_b = std::make_unique<Watch>(poller, second.first, b, Interest{.readable = true});
    a.then = [&] { watch_b.reset(); };
    b.then = [&] { watch_a.reset(); };
    write_all(first.second.get(), "x");
    write_all(second.second.get(), "x");
    poller.run_once();
    EXPECT_EQ(a.calls + b.calls, 1);
}

TEST(Poller, ReapsAProcessAndTellsItsStatus) {
    Poller poller;
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(7);
    const Process process = Process::open(pid);
    std::optional<int> status;
    poller.watch_exit(process.fd(), pid, [&](std::optional<int> s) { status = s; });
    while (!status) poller.run_once(milliseconds(5000));
    EXPECT_EQ(WEXITSTATUS(*status), 7);
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
}

TEST(Poller, RunsTimersInOrderAndNotWhenCancelled) {
    Poller poller;
    std::string order;
    poller.call_after(milliseconds(20), [&] { order += 'b'; });
    const auto cancelled = poller.call_after(milliseconds(5), [&] { order += 'x'; });
    poller.call_after(milliseconds(1), [&] { order += 'a'; });
    poller.cancel(cancelled);
    while (order.size() < 2) poller.run_once();
    EXPECT_EQ(order, "ab");
}

TEST(Poller, HandsOverSignals) {
    Poller poller;
    int seen = 0;
    poller.watch_signals({SIGUSR1}, [&](int signal) { seen = signal; });
    ::raise(SIGUSR1);
    poller.run_once(milliseconds(1000));
    EXPECT_EQ(seen, SIGUSR1);
}

}  // namespace
}  // namespace brig::os
