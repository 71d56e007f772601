// The whole of it: client, ttrpc, supervisor and runtime, with busybox in real containers. Each
// test has a shim of its own in a child process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "base/unix_socket.h"
#include "runtime/runtime.h"
#include "shim/channel.h"
#include "shim/client.h"
#include "shim/daemon.h"

namespace brig::shim {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* busybox = "/bin/busybox";

class SupervisorTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "containers need root";
        if (!fs::exists(busybox)) GTEST_SKIP() << "needs a static " << busybox;
        rootfs_ = dir_.path() / "rootfs";
        for (const char* name : {"bin", "dev", "proc", "sys", "tmp", "etc"})
            make_directories(rootfs_ / name, 0755);
        fs::copy_file(busybox, rootfs_ / "bin/busybox");
        for (const char* name :
             {"sh", "cat", "sleep", "true", "stty", "head", "dd", "echo", "tr"}) {
            fs::create_symlink("busybox", rootfs_ / "bin" / name);
        }
        start_shim();
    }

    void TearDown() override {
        if (!client_) return;
        try {
            remove_all();
        } catch (const std::exception& e) {
            ADD_FAILURE() << e.what();
        }
        client_.reset();
        stop_shim(SIGKILL);
    }

    void start_shim() {
        shim_ = ::fork();
        if (shim_ == 0) {
            try {
                run_daemon({run(), true});
            } catch (const std::exception& e) {
                log::error("shim of the test: {}", e.what());
            }
            ::_exit(0);
        }
        for (int i = 0; i < 1000; ++i) {
            try {
                connect_unix(run() / "shim.sock");
                break;
            } catch (const Error&) {
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        }
        if (!client_) client_ = Client::connect({run(), "/nonexistent/brig-shim"});
    }

    void stop_shim(int signal) {
        ::kill(shim_, signal);
        ::waitpid(shim_, nullptr, 0);
        shim_ = 0;
    }

    void remove_all() {
        for (const TaskState& state : client_->list()) {
            if (!state.exec_id.empty()) continue;
            if (state.status == TaskStatus::running || state.status == TaskStatus::paused) {
                client_->kill(state.id, "", SIGKILL, true);
                client_->wait(state.id);
            }
            client_->remove(state.id);
        }
    }

    [[nodiscard]] fs::path run() const { return dir_.path() / "run"; }
    [[nodiscard]] fs::path log_of(const TaskSpec& spec) const {
        return dir_.path() / (spec.id + ".log");
    }

    oci::Process process(std::vector<std::string> args) {
        oci::Process process = runtime::default_spec().process;
        process.args = std::move(args);
        process.env = {"PATH=/bin"};
        process.cwd = "/";
        return process;
    }

    /// A bundle whose process is `sh -c script`.
    TaskSpec make(const std::string& script, bool terminal = false) {
        TaskSpec spec;
        spec.id = "shimtest-" + random_hex(8);
        spec.bundle = run() / "tasks" / spec.id;
        spec.terminal = terminal;
        spec.log.path = log_of(spec);
        make_directories(spec.bundle);
        oci::RuntimeSpec config = runtime::default_spec();
        config.process = process({"/bin/sh", "-c", script});
        config.process.terminal = terminal;
        config.root.path = rootfs_.string();
        if (config.linux) config.linux->cgroups_path = "/" + spec.id;
        write_file_atomic(spec.bundle / "config.json", oci::to_json(config), 0600,
                          Durability::rebuildable);
        return spec;
    }

    ExecSpec make_exec(const TaskSpec& task, const std::string& script, bool terminal = false) {
        oci::Process exec = process({"/bin/sh", "-c", script});
        exec.terminal = terminal;
        return {.id = task.id,
                .exec_id = random_hex(4),
                .process_json = oci::to_json(exec),
                .terminal = terminal,
                .console = {}};
    }

    /// The log's text of one stream.
    std::string logged(const TaskSpec& spec, const std::string& stream) const {
        std::string text;
        std::istringstream lines(read_file(log_of(spec), 1U << 30U));
        for (std::string line; std::getline(lines, line);) {
            const auto entry = nlohmann::json::parse(line);
            if (entry.at("stream") == stream) text += entry.at("log").get<std::string>();
        }
        return text;
    }

    int run_to_end(const TaskSpec& spec) {
        client_->create(spec);
        client_->start(spec.id);
        return client_->wait(spec.id).status;
    }

    TempDir dir_{fs::temp_directory_path(), "brig-shim"};
    fs::path rootfs_;
    pid_t shim_ = 0;
    std::unique_ptr<Client> client_;
};

/// Docker's frames taken apart: {stdout, stderr}.
std::pair<std::string, std::string> demultiplex(const std::string& stream) {
    std::string out[3];
    std::size_t i = 0;
    while (i + 8 <= stream.size()) {
        std::size_t size = 0;
        for (std::size_t k = 4; k < 8; ++k)
            size = size << 8U | static_cast<unsigned char>(stream[i + k]);
        out[static_cast<std::size_t>(stream[i])] += stream.substr(i + 8, size);
        i += 8 + size;
    }
    EXPECT_EQ(i, stream.size());
    return {out[1], out[2]};
}

std::string read_all(const Fd& stream) { return read_to_end(stream.get(), 1U << 30U); }

std::string read_until(const Fd& stream, const std::string& wanted) {
    std::string text;
    std::array<std::byte, 4096> buffer;
    while (text.find(wanted) == std::string::npos) {
        const auto n = read_some(stream.get(), buffer);
        if (n == 0) break;
        text.append(reinterpret_cast<const char*>(buffer.data()), n);
    }
    return text;
}

std::size_t open_descriptors(pid_t pid) {
    const fs::directory_iterator entries(fmt::format("/proc/{}/fd", pid));
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

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

TEST_F(SupervisorTest, SignalsAreDeliveredAndNotInheritedAsIgnored) {
    const TaskSpec spec = make("trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done");
    const Fd stream = client_->attach(spec.id, "", {});
    client_->launch(spec);
    read_until(stream, "ready");
    client_->kill(spec.id, "", SIGTERM, false);
    EXPECT_EQ(client_->wait(spec.id).status, 3);
    const TaskSpec spy = make("cat /proc/self/status; :");
    run_to_end(spy);
    EXPECT_THAT(logged(spy, "stdout"),
                HasSubstr("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));
}

TEST_F(SupervisorTest, AllOutputIsInTheLogBeforeTheExit) {
    const TaskSpec spec = make(
        "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo bad >&2; printf end");
    EXPECT_EQ(run_to_end(spec), 0);
    const std::string out = logged(spec, "stdout");
    EXPECT_THAT(out, testing::StartsWith("line 0\nline 1\n"));
    EXPECT_THAT(out, testing::EndsWith("line 2999\nend"));
    EXPECT_EQ(std::ranges::count(out, '\n'), 3000);
    EXPECT_EQ(logged(spec, "stderr"), "bad\n");
}

TEST_F(SupervisorTest, AttachedBeforeCreateLosesNothing) {
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

TEST_F(SupervisorTest, EarlyClientThatLeavesIsForgotten) {
    client_->list();
    const auto before = open_descriptors(shim_);
    { const Fd early = client_->attach("shimtest-never", "", {}); }
    client_->list();
    for (int i = 0; i < 100 && open_descriptors(shim_) > before; ++i) ::usleep(10'000);
    EXPECT_LE(open_descriptors(shim_), before);
}

TEST_F(SupervisorTest, InputGoesThroughCatAndEnds) {
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

TEST_F(SupervisorTest, InputStaysOpenForTheNextClientUnlessOnce) {
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

TEST_F(SupervisorTest, ClientThatDoesNotReadHoldsTheProcessUntilItIsGone) {
    const TaskSpec spec = make("dd if=/dev/zero bs=100000 count=20 2>/dev/null | tr '\\000' x");
    Fd stuck = client_->attach(spec.id, "", {});
    client_->launch(spec);
    ::usleep(300'000);
    EXPECT_EQ(client_->state(spec.id).status, TaskStatus::running);
    stuck.reset();
    EXPECT_EQ(client_->wait(spec.id).status, 0);
    EXPECT_EQ(logged(spec, "stdout").size(), 2'000'000U);
}

TEST_F(SupervisorTest, DetachKeysEndTheAttachmentOnly) {
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

TEST_F(SupervisorTest, TerminalIsRawAndResized) {
    TaskSpec spec = make("stty size; read line; stty size; echo got $line", true);
    spec.open_stdin = true;
    spec.console = {100, 40};
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

TEST_F(SupervisorTest, ExecHasItsOwnStdioAndExit) {
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

TEST_F(SupervisorTest, BackgroundWriterDoesNotHoldBackTheExit) {
    const TaskSpec spec = make("sleep 100");
    client_->launch(spec);
    const ExecSpec exec = make_exec(spec, "echo now; (sleep 50; echo later) & exit 0");
    const auto started = client_->exec_start(exec, AttachOptions{});
    EXPECT_EQ(demultiplex(read_all(started.stream)).first, "now\n");
    EXPECT_EQ(client_->wait(spec.id, exec.exec_id).status, 0);
    client_->remove(spec.id, exec.exec_id);
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
    std::string children = read_file(fmt::format("/proc/{}/task/{}/children", shim_, shim_));
    EXPECT_EQ(children, "");
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
