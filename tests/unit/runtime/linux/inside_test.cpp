// What a process finds inside its container. Needs root and busybox-static.
#include <gmock/gmock.h>
#include <sys/ioctl.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "oci/runtime_defaults.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::any_group_of;
using test::Bundle;
using test::end;
using test::error_of;
using testing::HasSubstr;
using testing::Not;

using Inside = test::ContainerTest;

TEST_F(Inside, ExecEntersEverything) {
    Bundle bundle({"sleep", "100"});
    auto runtime = bundle.runtime();
    const Started started = runtime.run(bundle.request());
    const auto outcome = bundle.exec(
        {"sh", "-c", "hostname; cat /proc/1/cmdline; grep Seccomp: /proc/self/status; exit 5"});
    EXPECT_EQ(outcome.status, 5);
    EXPECT_THAT(outcome.output, HasSubstr("brig\nsleep"));
    EXPECT_THAT(outcome.output, HasSubstr("Seccomp:\t2"));
    const Error e = error_of([&] { bundle.exec({"foo"}); });
    EXPECT_EQ(e.kind(), ErrorKind::not_found);
    EXPECT_EQ(e.message(), "exec: \"foo\": executable file not found in $PATH");
    runtime.remove(bundle.id, true);
    EXPECT_EQ(Bundle::wait(started.pid), 128 + SIGKILL);
}

TEST_F(Inside, LimitsAreInTheControlGroup) {
    Bundle bundle({"sleep", "100"});
    bundle.spec.linux->resources.memory.limit = 64 << 20;
    bundle.spec.linux->resources.pids_limit = 20;
    auto runtime = bundle.runtime();
    Started started;
    try {
        started = runtime.run(bundle.request());
    } catch (const Error& e) {
        EXPECT_THAT(e.message(), HasSubstr("memory"));
        EXPECT_FALSE(any_group_of(bundle.id));
        GTEST_SKIP() << "this host has no memory controller";
    }
    EXPECT_EQ(runtime.stats(bundle.id).memory_limit, 64U << 20U);
    EXPECT_EQ(runtime.stats(bundle.id).pids_limit, 20U);
    oci::Resources more;
    more.memory.limit = 128 << 20;
    more.cpu.shares = 512;
    runtime.update(bundle.id, more);
    EXPECT_EQ(runtime.stats(bundle.id).memory_limit, 128U << 20U);
    EXPECT_EQ(bundle.exec({"true"}).status, 0);
    runtime.remove(bundle.id, true);
    Bundle::wait(started.pid);
    EXPECT_FALSE(any_group_of(bundle.id));
}

TEST_F(Inside, DevicesOutsideTheRulesAreRefused) {
    Bundle bundle(
        {"sh", "-c", "test -c /dev/null && echo x > /dev/null && echo fine; cat /dev/mem0"});
    bundle.spec.linux->devices.push_back(
        {.path = "/dev/mem0", .type = "c", .major = 1, .minor = 1, .file_mode = 0666});
    bundle.spec.process.capabilities->bounding = bundle.spec.process.capabilities->effective =
        bundle.spec.process.capabilities->permitted = oci::default_capabilities();
    const auto outcome = bundle.run();
    EXPECT_THAT(outcome.output, HasSubstr("fine"));
    EXPECT_THAT(outcome.output, HasSubstr("Operation not permitted"));
}

TEST_F(Inside, TerminalIsTheContainersOwn) {
    Bundle bundle({"sh", "-c", "tty; test -t 0 && echo interactive; stat -c %t:%T /dev/console"});
    bundle.spec.process.terminal = true;
    bundle.spec.process.console_size = oci::ConsoleSize{.height = 33, .width = 77};
    Started started = bundle.runtime().run(bundle.request());
    ASSERT_TRUE(started.console);
    winsize size{};
    EXPECT_EQ(::ioctl(started.console.get(), TIOCGWINSZ, &size), 0);
    EXPECT_EQ(size.ws_row, 33);
    EXPECT_EQ(size.ws_col, 77);
    std::string output;
    std::array<char, 512> buffer;
    for (ssize_t n = 0; (n = ::read(started.console.get(), buffer.data(), buffer.size())) > 0;)
        output.append(buffer.data(), static_cast<std::size_t>(n));
    EXPECT_EQ(Bundle::wait(started.pid), 0);
    EXPECT_THAT(output, HasSubstr("/dev/pts/0"));
    EXPECT_THAT(output, HasSubstr("interactive"));
    EXPECT_THAT(output, HasSubstr("88:0"));
}

TEST_F(Inside, IdentityIsExact) {
    Bundle bundle({"sh", "-c",
                   "id; grep -E '^(Cap|Groups)' /proc/self/status; touch /x || echo readonly; pwd; "
                   "echo $HOME"});
    bundle.spec.process.user = {.uid = 1000, .gid = 1001, .umask = {}, .additional_gids = {5, 7}};
    bundle.spec.process.cwd = "/work/dir";
    bundle.spec.root.readonly = true;
    std::filesystem::create_directories(bundle.rootfs() / "work/dir");
    std::filesystem::create_directories(bundle.rootfs() / "etc");
    std::ofstream(bundle.rootfs() / "etc/passwd")
        << "root:x:0:0::/root:\nme:x:1000:1001::/home/me:/bin/sh\n";
    const std::string output = bundle.run().output;
    EXPECT_THAT(output, HasSubstr("uid=1000"));
    EXPECT_THAT(output, HasSubstr("gid=1001"));
    EXPECT_THAT(output, HasSubstr("Groups:\t5 7"));
    EXPECT_THAT(output, HasSubstr("CapEff:\t0000000000000000"));
    EXPECT_THAT(output, HasSubstr("CapAmb:\t0000000000000000"));
    EXPECT_THAT(output, HasSubstr("CapInh:\t0000000000000000"));
    EXPECT_THAT(output, HasSubstr("CapBnd:\t00000000a80425fb"));
    EXPECT_THAT(output, HasSubstr("readonly\n/work/dir\n/home/me\n"));
}

TEST_F(Inside, ContainersMayShareAFilter) {
    Bundle bundle({"sh", "-c", "grep Seccomp: /proc/self/status; touch /x && mkdir /y"});
    ASSERT_TRUE(bundle.spec.linux->seccomp);
    const auto profile = bundle.path() / "profile.json";
    bundle.spec.linux->seccomp->syscalls.push_back({{"mkdir", "mkdirat"}, "SCMP_ACT_ERRNO", 42});
    std::erase_if(bundle.spec.linux->seccomp->syscalls.front().names,
                  [](const auto& name) { return name.starts_with("mkdir"); });
    write_file_atomic(profile, oci::to_json(*bundle.spec.linux->seccomp), 0600,
                      Durability::rebuildable);
    bundle.spec.linux->seccomp.reset();
    bundle.spec.annotations[oci::shared_seccomp] = profile;
    const auto outcome = bundle.run();
    EXPECT_THAT(outcome.output, HasSubstr("Seccomp:\t2"));
    EXPECT_THAT(outcome.output, HasSubstr("No message of desired type"));  // errno 42
    bundle.spec.annotations[oci::shared_seccomp] = "/nowhere";
    EXPECT_EQ(error_of([&] { bundle.run(); }).kind(), ErrorKind::not_found);
}

TEST_F(Inside, MountsAndMaskedPaths) {
    Bundle bundle({"sh", "-c",
                   "cat /data/file /etc/name; echo x > /data/y || echo ro; cat /proc/keys | "
                   "busybox wc -c; ls -A /sys/firmware | busybox wc -l;"
                   "echo 1 > /proc/sys/kernel/pid_max || echo guarded"});
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "file") << "content\n";
    bundle.spec.mounts.push_back({"bind", source.path(), "/data", {"rbind", "ro"}});
    bundle.spec.mounts.push_back({"bind", source.path() / "file", "/etc/name", {"bind"}});
    const std::string output = bundle.run().output;
    EXPECT_THAT(output, HasSubstr("content\ncontent\n"));
    EXPECT_THAT(output, HasSubstr("ro\n0\n0\n"));
    EXPECT_THAT(output, HasSubstr("guarded"));
}

TEST_F(Inside, RootMountsAreSeenInsideOnly) {
    Bundle bundle({"sh", "-c", "touch /new; mount | grep ' / '"});
    const auto lower = bundle.rootfs();
    std::filesystem::create_directories(bundle.path() / "upper");
    std::filesystem::create_directories(bundle.path() / "work");
    std::filesystem::create_directories(bundle.path() / "merged");
    bundle.spec.root.path = "merged";
    auto request = bundle.request();
    request.rootfs = {
        {"overlay",
         "overlay",
         "",
         {"lowerdir=" + lower.string(), "upperdir=" + (bundle.path() / "upper").string(),
          "workdir=" + (bundle.path() / "work").string()}}};
    const Started started = bundle.runtime().run(std::move(request));
    EXPECT_EQ(Bundle::wait(started.pid), 0);
    EXPECT_TRUE(std::filesystem::exists(bundle.path() / "upper/new"));
    EXPECT_TRUE(std::filesystem::is_empty(bundle.path() / "merged"));
    EXPECT_THAT(read_file("/proc/self/mountinfo"), Not(HasSubstr(bundle.path().string())));
}

TEST_F(Inside, ManyLayersDoNotOverflow) {
    Bundle bundle({"cat", "/f99"});
    std::string layers = bundle.rootfs();
    for (int i = 0; i < 100; ++i) {
        const auto layer = bundle.path() /
                           "layers-with-quite-a-long-name-so-that-a-page-is-not-enough" /
                           std::to_string(i);
        std::filesystem::create_directories(layer);
        std::ofstream(layer / fmt::format("f{}", i)) << i;
        layers = layer.string() + ":" + layers;
    }
    for (const char* name : {"upper", "work", "merged"})
        std::filesystem::create_directories(bundle.path() / name);
    bundle.spec.root.path = "merged";
    auto [out, in] = make_pipe();
    auto request = bundle.request();
    request.stdio.out = std::move(in);
    request.rootfs = {{"overlay",
                       "overlay",
                       "",
                       {"lowerdir=" + layers, "upperdir=" + (bundle.path() / "upper").string(),
                        "workdir=" + (bundle.path() / "work").string()}}};
    const Started started = bundle.runtime().run(std::move(request));
    request.stdio.out.reset();
    EXPECT_EQ(read_to_end(out.get(), 100), "99");
    EXPECT_EQ(Bundle::wait(started.pid), 0);
}

TEST_F(Inside, SysctlsOfOwnNamespacesAreSet) {
    Bundle bundle(
        {"sh", "-c", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax"});
    bundle.spec.linux->sysctl = {{"net.ipv4.ip_unprivileged_port_start", "0"},
                                 {"kernel.msgmax", "4096"}};
    EXPECT_EQ(bundle.run().output, "0\n4096\n");
}

TEST_F(Inside, RaisingALimitWithoutTheRightIsNoFailure) {
    Bundle bundle({"sh", "-c", "ulimit -n"});
    bundle.spec.process.rlimits = {{"RLIMIT_NOFILE", 1U << 20U, 1U << 20U}, {"RLIMIT_CORE", 0, 0}};
    EXPECT_EQ(bundle.run().status, 0);
}

TEST_F(Inside, UserNamespacesMapTheRoot) {
    Bundle bundle(
        {"sh", "-c",
         "id -u; cat /proc/self/uid_map; echo x > /dev/null; touch /made && echo written"});
    bundle.spec.linux->namespaces.push_back({"user", ""});
    bundle.spec.linux->uid_mappings = bundle.spec.linux->gid_mappings = {{0, 100000, 65536}};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(bundle.path())) {
        ASSERT_EQ(::lchown(entry.path().c_str(), 100000, 100000), 0);
    }
    std::filesystem::permissions(bundle.path(), std::filesystem::perms(0755));
    ASSERT_EQ(::chown(bundle.rootfs().c_str(), 100000, 100000), 0);
    const auto outcome = bundle.run();
    EXPECT_THAT(outcome.output, testing::StartsWith("0\n"));
    EXPECT_THAT(outcome.output, HasSubstr("100000      65536"));
    EXPECT_THAT(outcome.output, HasSubstr("written"));
    EXPECT_EQ(outcome.status, 0);
}

// Pipes of the host's root, which only that can give away.
TEST_F(Inside, OutputBelongsToTheUserInAUserNamespace) {
    for (const unsigned user : {0U, 1000U}) {
        Bundle bundle({"true"});
        test::map_users(bundle);
        bundle.spec.process.user.uid = user;
        EXPECT_THAT(test::both_ways(bundle, {"sh", "-c", "echo x > /dev/stdout"}),
                    testing::Each("x\n"))
            << user;
    }
}

TEST_F(Inside, AnotherContainersNamespacesAreJoined) {
    Bundle first({"sleep", "100"});
    const Started started = first.runtime().run(first.request());
    Bundle second({"sh", "-c",
                   "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; cat /proc/1/cmdline"});
    for (auto& ns : second.spec.linux->namespaces) {
        if (ns.type == "network") ns.path = fmt::format("/proc/{}/ns/net", started.pid);
        if (ns.type == "ipc") ns.path = fmt::format("/proc/{}/ns/ipc", started.pid);
        if (ns.type == "pid") ns.path = fmt::format("/proc/{}/ns/pid", started.pid);
    }
    const auto link = [&](const char* name) {
        return std::filesystem::read_symlink(fmt::format("/proc/{}/ns/{}", started.pid, name))
            .string();
    };
    EXPECT_EQ(second.run().output, link("net") + "\n" + link("ipc") + "\n" +
                                       std::string("sleep\0"
                                                   "100\0",
                                                   10));
    end(first, started);
}

}  // namespace
}  // namespace brig::runtime
