// A container between create and start, and entering one that stands still: what the waiting
// process holds, and what may happen meanwhile.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>

#include <csignal>

#include "base/error.h"
#include "os/socket_at.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::end;
using testing::HasSubstr;

using Created = test::ContainerTest;

/// What the descriptors of a process past standard error are.
std::vector<std::string> descriptors(pid_t pid) {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid))) {
        if (entry.path().filename().string().size() == 1 && entry.path().filename() <= "2")
            continue;
        std::string target = std::filesystem::read_symlink(entry.path()).string();
        out.push_back(target.substr(0, target.find('[')));
    }
    return out;
}

// Neither files or directories of the host, nor a second hold on the caller's pipes.
TEST_F(Created, HoldsItsSocketsOnly) {
    Bundle bundle({"sleep", "100"});
    auto [out, in] = make_pipe();
    auto request = bundle.request();
    request.stdio.out = std::move(in);
    const Started started = bundle.runtime().create(std::move(request));
    EXPECT_THAT(descriptors(started.pid), testing::Each(testing::AnyOf("socket:", "/")));
    end(bundle, started);
}

TEST_F(Created, LetsGoOfTheCallersPipesWithATerminal) {
    Bundle bundle({"sleep", "100"});
    bundle.spec.process.terminal = true;
    auto [out, in] = make_pipe();
    auto request = bundle.request();
    request.stdio.out = std::move(in);
    const Started started = bundle.runtime().create(std::move(request));
    pollfd end_of_file{out.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&end_of_file, 1, 5000), 1);
    EXPECT_TRUE(end_of_file.revents & POLLHUP);
    end(bundle, started);
}

// As if `start` were killed before it could say so.
TEST_F(Created, AConnectionAloneStartsNothing) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().create(bundle.request());
    const Fd state = open_file(bundle.path() / "state" / bundle.id, O_PATH | O_DIRECTORY);
    os::connect_at(state.get(), "start.sock").reset();
    ::usleep(20'000);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::created);
    bundle.runtime().start(bundle.id);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::running);
    end(bundle, started);
}

// It is the first process of its pid namespace, which has no signal's default.
TEST_F(Created, EndsBySignals) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().create(bundle.request());
    bundle.runtime().kill(bundle.id, SIGTERM);
    EXPECT_EQ(Bundle::wait(started.pid), 128 + SIGTERM);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::stopped);
    bundle.runtime().remove(bundle.id);
}

TEST_F(Created, CanBeEntered) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().create(bundle.request());
    EXPECT_EQ(bundle.exec({"hostname"}).output, "brig\n");
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::created);
    end(bundle, started);
}

TEST_F(Created, APausedOneIsEnteredOnlyOnRequest) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    bundle.runtime().pause(bundle.id);
    try {
        bundle.exec({"true"});
        FAIL() << "entered";
    } catch (const Error& e) {
        EXPECT_THAT(e.message(), HasSubstr("cannot exec in a paused container"));
    }
    const pid_t later = ::fork();
    if (later == 0) {
        ::usleep(100'000);
        bundle.runtime().resume(bundle.id);
        ::_exit(0);
    }
    ExecRequest request;
    request.process = bundle.spec.process;
    request.process.args = {"true"};
    request.ignore_paused = true;
    const Started entered = bundle.runtime().exec(bundle.id, std::move(request));
    EXPECT_EQ(Bundle::wait(entered.pid), 0);
    EXPECT_EQ(Bundle::wait(later), 0);
    end(bundle, started);
}

}  // namespace
}  // namespace brig::runtime
