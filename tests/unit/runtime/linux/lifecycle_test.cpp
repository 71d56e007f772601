// The lifecycle as its users see it, on real containers. Needs root and busybox-static.
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/strings.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::any_group_of;
using test::Bundle;
using test::error_of;
using testing::HasSubstr;

using Lifecycle = test::ContainerTest;

TEST_F(Lifecycle, RunPassesOutputAndExitStatus) {
    EXPECT_EQ(Bundle({"true"}).run().status, 0);
    Bundle bundle({"sh", "-c", "echo out; echo err >&2; exit 7"});
    const auto outcome = bundle.run();
    EXPECT_EQ(outcome.status, 7);
    EXPECT_EQ(outcome.output, "out\nerr\n");
    EXPECT_FALSE(any_group_of(bundle.id));
    EXPECT_TRUE(bundle.runtime().list().empty());
}

TEST_F(Lifecycle, ProgramsThatCannotRun) {
    const auto failure = [](std::vector<std::string> args) {
        Bundle bundle(std::move(args));
        const Error e = error_of([&] { bundle.run(); });
        EXPECT_FALSE(any_group_of(bundle.id));
        EXPECT_TRUE(bundle.runtime().list().empty());
        return std::pair{e.kind(), e.message()};
    };
    EXPECT_EQ(failure({"foo"}),
              std::pair(ErrorKind::not_found,
                        std::string("exec: \"foo\": executable file not found in $PATH")));
    EXPECT_EQ(failure({"/foo"}),
              std::pair(ErrorKind::not_found,
                        std::string("exec: \"/foo\": stat /foo: no such file or directory")));
    EXPECT_EQ(failure({"/bin"}), std::pair(ErrorKind::permission_denied,
                                           std::string("exec: \"/bin\": is a directory")));
    Bundle bundle({"/data"});
    std::ofstream(bundle.rootfs() / "data") << "x";
    EXPECT_EQ(error_of([&] { bundle.run(); }).message(), "exec: \"/data\": permission denied");
}

TEST_F(Lifecycle, AFailureToExecuteIsToldByStart) {
    Bundle bundle({"/script"});
    std::ofstream(bundle.rootfs() / "script") << "no interpreter line and no binary";
    std::filesystem::permissions(bundle.rootfs() / "script", std::filesystem::perms::all);
    const Started started = bundle.runtime().create(bundle.request());
    const Error e = error_of([&] { bundle.runtime().start(bundle.id); });
    EXPECT_EQ(e.kind(), ErrorKind::permission_denied);
    EXPECT_THAT(e.message(), HasSubstr("/script"));
    Bundle::wait(started.pid);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::stopped);
}

TEST_F(Lifecycle, StatesInOrder) {
    Bundle bundle({"sleep", "100"});
    auto runtime = bundle.runtime();
    const Started started = runtime.create(bundle.request());
    EXPECT_EQ(runtime.state(bundle.id).status, Status::created);
    EXPECT_EQ(runtime.state(bundle.id).pid, started.pid);
    EXPECT_EQ(error_of([&] { runtime.create(bundle.request()); }).kind(),
              ErrorKind::already_exists);
    // Another object, as another process would.
    bundle.runtime().start(bundle.id);
    EXPECT_EQ(runtime.state(bundle.id).status, Status::running);
    EXPECT_EQ(error_of([&] { runtime.start(bundle.id); }).kind(), ErrorKind::failed_precondition);
    EXPECT_EQ(error_of([&] { runtime.remove(bundle.id); }).kind(), ErrorKind::failed_precondition);
    runtime.pause(bundle.id);
    EXPECT_EQ(runtime.state(bundle.id).status, Status::paused);
    runtime.resume(bundle.id);
    runtime.kill(bundle.id, SIGKILL);
    EXPECT_EQ(Bundle::wait(started.pid), 128 + SIGKILL);
    EXPECT_EQ(runtime.state(bundle.id).status, Status::stopped);
    EXPECT_EQ(error_of([&] { runtime.kill(bundle.id, SIGKILL); }).kind(),
              ErrorKind::failed_precondition);
    runtime.remove(bundle.id);
    EXPECT_EQ(error_of([&] { (void)runtime.state(bundle.id); }).kind(), ErrorKind::not_found);
}

TEST_F(Lifecycle, KillAllReachesEveryProcess) {
    Bundle bundle({"sh", "-c", "sleep 100 & sleep 100 & wait"});
    auto runtime = bundle.runtime();
    const Started started = runtime.run(bundle.request());
    for (int i = 0; i < 200 && runtime.processes(bundle.id).size() < 3; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_EQ(runtime.processes(bundle.id).size(), 3U);
    EXPECT_EQ(runtime.stats(bundle.id).pids, 3U);
    runtime.kill(bundle.id, SIGKILL, true);
    Bundle::wait(started.pid);
    runtime.remove(bundle.id);
    EXPECT_FALSE(any_group_of(bundle.id));
}

TEST_F(Lifecycle, HooksRunWithTheState) {
    Bundle bundle({"true"});
    const auto log = bundle.path() / "log";
    const auto hook = [&](const char* name) {
        return oci::Hook{"/bin/sh",
                         {"sh", "-c",
                          fmt::format("echo {} $(cat | grep -o '\"status\":\"[a-z]*\"') >> {}",
                                      name, log.string())},
                         {"PATH=/bin:/usr/bin"},
                         10};
    };
    bundle.spec.hooks.prestart = {hook("prestart")};
    bundle.spec.hooks.create_runtime = {hook("createRuntime")};
    bundle.spec.hooks.create_container = {hook("createContainer")};
    const auto outcome = bundle.run();
    EXPECT_EQ(outcome.status, 0);
    const auto lines = split(trim(read_file(log)), '\n');
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "prestart \"status\":\"creating\"");
    EXPECT_THAT(lines[1], HasSubstr("createRuntime"));
    EXPECT_THAT(lines[2], HasSubstr("createContainer"));
    bundle.spec.hooks.prestart = {{"/bin/false", {}, {}, {}}};
    EXPECT_THAT(error_of([&] { bundle.run(); }).message(), HasSubstr("hook /bin/false failed"));
    EXPECT_FALSE(any_group_of(bundle.id));
}

TEST_F(Lifecycle, ContradictionsAreNamed) {
    const auto message = [](auto change) {
        Bundle bundle({"true"});
        change(bundle.spec);
        return error_of([&] { bundle.run(); }).message();
    };
    EXPECT_THAT(message([](auto& s) {
                    s.linux->namespaces.push_back({"pid", ""});
                }),
                HasSubstr("pid is given twice"));
    EXPECT_THAT(message([](auto& s) {
                    s.linux->namespaces.push_back({"foo", ""});
                }),
                HasSubstr("foo"));
    EXPECT_THAT(message([](auto& s) { s.linux->sysctl["kernel.core_pattern"] = "|/x"; }),
                HasSubstr("kernel.core_pattern"));
    EXPECT_THAT(message([](auto& s) { s.linux->sysctl["kernel.shm_rmid_forced"] = "1\n"; }),
                HasSubstr("one line"));
    EXPECT_THAT(message([](auto& s) {
                    s.process.rlimits.push_back({"RLIMIT_X", 1, 1});
                }),
                HasSubstr("RLIMIT_X"));
    EXPECT_THAT(message([](auto& s) { s.process.cwd = "x"; }), HasSubstr("process.cwd"));
    EXPECT_THAT(message([](auto& s) { s.process.user.uid = 0x80000000; }),
                HasSubstr("process.user"));
    EXPECT_THAT(message([](auto& s) {
                    s.mounts.push_back({"nofs", "x", "/m", {}});
                }),
                HasSubstr("nofs"));
}

TEST_F(Lifecycle, NothingStaysOpen) {
    const auto open_files = [] {
        std::size_t n = 0;
        for ([[maybe_unused]] const auto& entry :
             std::filesystem::directory_iterator("/proc/self/fd"))
            ++n;
        return n;
    };
    Bundle bundle({"sleep", "100"});
    Bundle failing({"foo"});
    std::size_t before = 0;
    for (int i = 0; i < 3; ++i) {
        {
            auto runtime = bundle.runtime();
            const Started started = runtime.create(bundle.request());
            runtime.start(bundle.id);
            EXPECT_EQ(bundle.exec({"true"}).status, 0);
            EXPECT_THROW(bundle.exec({"foo"}), Error);
            runtime.remove(bundle.id, true);
            Bundle::wait(started.pid);
            EXPECT_THROW(failing.run(), Error);
        }
        if (i == 0) before = open_files();
    }
    EXPECT_EQ(open_files(), before);
}

TEST_F(Lifecycle, RemoveConvergesAfterACrash) {
    Bundle bundle({"sleep", "100"});
    // A creator that is killed while its container waits to be started.
    const pid_t creator = ::fork();
    if (creator == 0) {
        bundle.runtime().create(bundle.request());
        ::kill(::getpid(), SIGKILL);
    }
    Bundle::wait(creator);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::created);
    bundle.runtime().start(bundle.id);
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::running);
    bundle.runtime().remove(bundle.id, true);
    EXPECT_FALSE(any_group_of(bundle.id));
    // And one that died before it wrote anything.
    std::filesystem::create_directories(bundle.path() / "state" / bundle.id);
    bundle.runtime().remove(bundle.id, true);
    bundle.runtime().remove(bundle.id, true);
    EXPECT_TRUE(bundle.runtime().list().empty());
}

}  // namespace
}  // namespace brig::runtime
