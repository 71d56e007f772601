// The whole of it: client, ttrpc, supervisor and runtime.
#include <gmock/gmock.h>

#include "supervisor_fixture.h"

namespace brig::shim {
namespace {

using ::testing::HasSubstr;

TEST_F(SupervisorTest, TellsHowItEnded) {
    EXPECT_EQ(run_to_end(make("exit 0")), 0);
    EXPECT_EQ(run_to_end(make("exit 42")), 42);
    const TaskSpec killed = make("sleep 100");
    client_->launch(killed);
    EXPECT_EQ(client_->state(killed.id).status, TaskStatus::running);
    client_->kill(killed.id, "", SIGKILL, false);
    EXPECT_EQ(client_->wait(killed.id).status, 137);
    EXPECT_EQ(client_->state(killed.id).status, TaskStatus::stopped);
    EXPECT_THAT(read_file(killed.bundle / "exit"), HasSubstr(" 137 0 "));
}

TEST_F(SupervisorTest, SignalsAreDelivered) {
    const TaskSpec spec = make("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    const Fd stream = client_->attach(spec.id, "", {});
    client_->launch(spec);
    read_until(stream, "ready");
    client_->kill(spec.id, "", SIGTERM, false);
    EXPECT_EQ(client_->wait(spec.id).status, 3);
}

TEST_F(SupervisorTest, SignalsAreNotInheritedAsBlockedOrIgnored) {
    if (!fs::exists("/proc/self/status")) GTEST_SKIP() << "/proc does not say";
    const TaskSpec spy = make("cat /proc/self/status; :");
    run_to_end(spy);
    EXPECT_THAT(logged(spy, "stdout"),
                HasSubstr("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
}

TEST_F(SupervisorTest, ExecOfNothingIsNotFoundAndLeavesNothing) {
    const TaskSpec spec = make("sleep 100");
    client_->launch(spec);
    ExecSpec exec = make_exec(spec, "");
    exec.process_json = oci::to_json(process({"/bin/nonexistent"}));
    for (const auto& attach : {std::optional<AttachOptions>(), std::optional(AttachOptions{})}) {
        try {
            client_->exec_start(exec, attach);
            FAIL() << "started";
        } catch (const Error& e) {
            EXPECT_EQ(e.kind(), ErrorKind::not_found);
            EXPECT_THAT(e.message(), HasSubstr("exec: \"/bin/nonexistent\""));
        }
    }
    EXPECT_EQ(client_->list().size(), 1U);
}

TEST_F(SupervisorTest, WrongCallsAreToldSo) {
    const auto kind_of = [](auto&& call) {
        try {
            call();
        } catch (const Error& e) {
            return std::string(to_string(e.kind()));
        }
        return std::string("none");
    };
    const TaskSpec spec = make("sleep 100");
    EXPECT_EQ(kind_of([&] { client_->start(spec.id); }), "not_found");
    EXPECT_EQ(kind_of([&] { client_->remove(spec.id); }), "not_found");
    client_->launch(spec);
    EXPECT_EQ(kind_of([&] { client_->create(spec); }), "already_exists");
    EXPECT_EQ(kind_of([&] { client_->start(spec.id); }), "failed_precondition");
    EXPECT_EQ(kind_of([&] { client_->remove(spec.id); }), "failed_precondition");
    EXPECT_EQ(kind_of([&] { client_->resize(spec.id, "", {1, 1}); }), "failed_precondition");
    client_->kill(spec.id, "", SIGKILL, false);
    client_->wait(spec.id);
    EXPECT_EQ(kind_of([&] { client_->attach(spec.id, "", {}); }), "failed_precondition");
    EXPECT_EQ(kind_of([&] { client_->kill(spec.id, "", SIGKILL, false); }), "failed_precondition");
    TaskSpec broken = make("true");
    write_file_atomic(broken.bundle / "config.json", "{", 0600, Durability::rebuildable);
    EXPECT_EQ(kind_of([&] { client_->create(broken); }), "invalid_argument");
    EXPECT_EQ(kind_of([&] { client_->state(broken.id); }), "not_found");
}

TEST_F(SupervisorTest, CreatedButNeverStartedIsRemoved) {
    const TaskSpec spec = make("echo never");
    client_->create(spec);
    client_->remove(spec.id);
    EXPECT_TRUE(client_->list().empty());
    EXPECT_EQ(logged(spec, "stdout"), "");
}

/// Exits as a client learns of them.
struct Exits {
    Callbacks callbacks() {
        return {[this](const TaskExit& exit) {
                    const std::lock_guard lock(mutex);
                    by_id[exit.id + exit.exec_id] = exit;
                    changed.notify_all();
                },
                [this] { ++disconnects; }, [this] { ++reconnects; }};
    }
    TaskExit wait_for(const std::string& id) {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(
            changed.wait_for(lock, std::chrono::seconds(10), [&] { return by_id.contains(id); }));
        return by_id[id];
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, TaskExit> by_id;
    std::atomic<int> disconnects = 0;
    std::atomic<int> reconnects = 0;
};

TEST_F(SupervisorTest, ExitsAreToldToSubscribersAndAgainToTheNext) {
    Exits exits;
    client_->subscribe(exits.callbacks());
    const TaskSpec spec = make("exit 9");
    client_->launch(spec);
    EXPECT_EQ(exits.wait_for(spec.id).status, 9);

    // As a brigd that restarts: a new client learns it again, until it is removed.
    client_.reset();
    client_ = Client::connect({run(), "/nonexistent/brig-shim"});
    Exits again;
    client_->subscribe(again.callbacks());
    EXPECT_EQ(again.wait_for(spec.id).status, 9);
    EXPECT_EQ(client_->state(spec.id).exit->status, 9);
    EXPECT_EQ(client_->remove(spec.id).status, 9);
    EXPECT_FALSE(fs::exists(spec.bundle / "exit"));
}

TEST_F(SupervisorTest, KilledShimIsSucceededByOneThatAdopts) {
    const TaskSpec ended = make("exit 4");
    const TaskSpec running = make("while :; do sleep 0.1; done");
    const TaskSpec dies = make("sleep 0.5");
    run_to_end(ended);
    client_->launch(running);
    client_->launch(dies);
    const int dying_pid = client_->state(dies.id).pid;
    Exits exits;
    client_->subscribe(exits.callbacks());
    exits.wait_for(ended.id);  // the subscription stands
    stop_shim(SIGKILL);
    for (int i = 0; i < 300 && ::kill(dying_pid, 0) == 0; ++i) ::usleep(10'000);
    start_shim();
    EXPECT_EQ(exits.wait_for(ended.id).status, 4);
    EXPECT_EQ(exits.wait_for(dies.id).status, 137);
    EXPECT_GE(exits.disconnects, 1);
    EXPECT_EQ(exits.reconnects, exits.disconnects.load());
    EXPECT_EQ(client_->state(running.id).status, TaskStatus::running);
    EXPECT_THROW(client_->attach(running.id, "", {}), Error);
    client_->kill(running.id, "", SIGKILL, false);
    EXPECT_EQ(exits.wait_for(running.id).status, 137);
    client_->remove(running.id);
    client_->remove(dies.id);
}

TEST_F(SupervisorTest, FiftyAtOnceLeaveNoDescriptorsAndNoZombies) {
    run_to_end(make("true"));
    client_->remove(client_->list().front().id);
    const auto before = open_descriptors(shim_);
    Exits exits;
    client_->subscribe(exits.callbacks());
    std::vector<TaskSpec> specs;
    for (int i = 0; i < 50; ++i)
        specs.push_back(make(fmt::format("echo {}; sleep 0.3; exit {}", i, i)));
    std::vector<std::thread> threads;
    for (int t = 0; t < 5; ++t) {
        threads.emplace_back([&, t] {
            for (int i = t; i < 50; i += 5) client_->launch(specs[static_cast<std::size_t>(i)]);
        });
    }
    for (auto& thread : threads) thread.join();
    for (int i = 0; i < 50; ++i) {
        const auto& spec = specs[static_cast<std::size_t>(i)];
        EXPECT_EQ(exits.wait_for(spec.id).status, i);
        EXPECT_EQ(logged(spec, "stdout"), fmt::format("{}\n", i));
        client_->remove(spec.id);
    }
    // The event stream, and at most one idle connection per thread.
    EXPECT_LE(open_descriptors(shim_), before + 6);
    ::usleep(700'000);
    EXPECT_EQ(children_of(shim_), "");
}

TEST_F(SupervisorTest, TerminationWaitsUntilThereIsNoTask) {
    const TaskSpec spec = make("sleep 100");
    client_->launch(spec);
    ::kill(shim_, SIGTERM);
    EXPECT_FALSE(client_->shutdown());
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::running);
    client_->kill(spec.id, "", SIGKILL, false);
    client_->wait(spec.id);
    client_->remove(spec.id);
    EXPECT_TRUE(client_->shutdown());
    EXPECT_EQ(::waitpid(shim_, nullptr, 0), shim_);
    EXPECT_FALSE(fs::exists(run() / "shim.sock"));
    client_.reset();
}

TEST_F(SupervisorTest, StatsPidsAndPause) {
    const TaskSpec spec = make("sleep 100");
    const int pid = client_->launch(spec);
    EXPECT_THAT(client_->pids(spec.id), testing::Contains(pid));
    client_->pause(spec.id);
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::paused);
    client_->resume(spec.id);
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::running);
    EXPECT_NO_THROW(client_->stats(spec.id));
    EXPECT_EQ(client_->shim_pid(), shim_);
}

TEST_F(SupervisorTest, HostileConnectionsAreDroppedAndTheRestGoesOn) {
    const Fd garbage = connect_unix(run() / "shim.sock");
    write_all(garbage.get(), std::string_view("\xff\xff\xff\xff not ttrpc at all"));
    EXPECT_EQ(read_all(garbage), "");
    const Fd torn = connect_unix(run() / "shim.sock");
    write_all(torn.get(), std::string_view("\x00\x00", 2));
    Channel channel(connect_unix(run() / "shim.sock"));
    ASSERT_TRUE(channel.send("no.such.Service", "Method", "x"));
    EXPECT_THROW(channel.receive(), Error);
    ASSERT_TRUE(channel.send("containerd.task.v2.Task", "Create", "\xff\xff\xff"));
    EXPECT_THROW(channel.receive(), Error);
    EXPECT_TRUE(client_->list().empty());
}

}  // namespace
}  // namespace brig::shim
