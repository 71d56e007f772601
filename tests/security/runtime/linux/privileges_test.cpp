// What a process of a container is given, and what it finds around it: no more than was asked for,
// in `run` as in `exec`. Named after the CVEs whose mistakes they look for.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/defer.h"
#include "base/error.h"
#include "base/strings.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::both_ways;
using test::Bundle;
using test::failure;
using testing::HasSubstr;
using testing::Not;

using Privileges = test::ContainerTest;

// CVE-2016-8867, CVE-2022-24769, CVE-2022-29162: nothing inheritable or ambient, and nothing at all
// for an ordinary user.
TEST_F(Privileges, CapabilitiesOfAnOrdinaryUser) {
    Bundle bundle({"true"});
    bundle.spec.process.user.uid = 1000;
    bundle.spec.process.capabilities->effective.clear();
    bundle.spec.process.capabilities->permitted.clear();
    for (const auto& output : both_ways(bundle, {"grep", "Cap", "/proc/self/status"})) {
        for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
            EXPECT_THAT(output, HasSubstr(fmt::format("{}:\t0000000000000000", set)));
    }
}

// The same for root: what is inheritable would come back through a program with file capabilities.
TEST_F(Privileges, NothingIsInheritable) {
    Bundle bundle({"true"});
    for (const auto& output : both_ways(bundle, {"grep", "Cap", "/proc/self/status"})) {
        EXPECT_THAT(output, HasSubstr("CapInh:\t0000000000000000"));
        EXPECT_THAT(output, HasSubstr("CapAmb:\t0000000000000000"));
    }
}

// CVE-2022-36109, CVE-2022-2989, CVE-2023-25173: exactly the groups that were named.
TEST_F(Privileges, SupplementaryGroups) {
    Bundle bundle({"true"});
    bundle.spec.process.user = {.uid = 5, .gid = 6, .additional_gids = {7}};
    for (const auto& output : both_ways(bundle, {"grep", "Groups", "/proc/self/status"}))
        EXPECT_THAT(output, HasSubstr("Groups:\t7 \n"));
    bundle.spec.process.user.additional_gids.clear();
    for (const auto& output : both_ways(bundle, {"grep", "Groups", "/proc/self/status"}))
        EXPECT_THAT(output, HasSubstr("Groups:\t \n"));
}

// CVE-2024-40635.
TEST_F(Privileges, UsersDoNotWrap) {
    Bundle bundle({"id"});
    bundle.spec.process.user.uid = 0x80000000;
    EXPECT_THAT(failure(bundle), HasSubstr("out of range"));
    bundle.spec.process.user = {.uid = 0, .gid = 0xffffffff};
    EXPECT_THAT(failure(bundle), HasSubstr("out of range"));
}

// CVE-2015-3630, CVE-2017-16539 and its like: what procfs and sysfs must not show or take.
TEST_F(Privileges, KernelFilesAreMaskedOrReadOnly) {
    Bundle bundle({"true"});
    const std::string script =
        "for p in kcore keys timer_list sched_debug latency_stats interrupts; do"
        "  [ ! -e /proc/$p ] || [ -z \"$(dd if=/proc/$p bs=1 count=1 2>/dev/null)\" ] || echo read "
        "$p; "
        "done; for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware"
        "  /sys/devices/virtual/powercap; do [ -z \"$(ls $d 2>/dev/null)\" ] || echo read $d; done;"
        "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger "
        "/proc/irq/default_smp_affinity; "
        "do (echo x > $f) 2>/dev/null && echo wrote $f; done; (mount -t proc proc /tmp) "
        "2>/dev/null "
        "&& echo mounted; echo end";
    for (const auto& output : both_ways(bundle, {"sh", "-c", script})) EXPECT_EQ(output, "end\n");
}

// CVE-2018-20699: a list of two thousand million processors is refused before it is unrolled.
TEST_F(Privileges, EndlessProcessorLists) {
    Bundle bundle({"true"});
    bundle.spec.linux->resources.cpu.cpus = "0-2147483647";
    EXPECT_NE(failure(bundle), "");
    bundle.spec.linux->resources.cpu.cpus.clear();
    bundle.spec.process.exec_affinity = {.initial = "0-2147483647"};
    EXPECT_THAT(failure(bundle), HasSubstr("execCPUAffinity.initial"));
}

// CVE-2021-43784: no length of anything wraps on its way to the kernel.
TEST_F(Privileges, LongConfigurations) {
    Bundle bundle({"true"});
    TempDir source("/tmp", "brig-source");
    for (int i = 0; i < 60; ++i) {
        bundle.spec.mounts.push_back(
            {"bind", source.path(), fmt::format("/{}/{}", std::string(200, 'd'), i), {"bind"}});
    }
    for (int i = 0; i < 400; ++i)
        bundle.spec.process.env.push_back(fmt::format("V{}={}", i, std::string(300, 'x')));
    EXPECT_EQ(bundle.run().status, 0);
    bundle.spec.linux->namespaces.push_back({"user", ""});
    for (std::uint32_t i = 0; i < 20000; ++i) {
        bundle.spec.linux->uid_mappings.push_back({i, 100000 + i, 1});
        bundle.spec.linux->gid_mappings.push_back({i, 100000 + i, 1});
    }
    EXPECT_NE(failure(bundle), "");
}

// CVE-2024-0132, CVE-2025-23266: a hook of the host has nothing of the container's environment.
TEST_F(Privileges, HooksHaveTheirOwnEnvironment) {
    Bundle bundle({"true"});
    const auto mark = bundle.path() / "environment";
    bundle.spec.process.env.push_back("LD_PRELOAD=/evil.so");
    ::setenv("BRIG_SECRET", "of the caller", 1);
    const Defer unset([] { ::unsetenv("BRIG_SECRET"); });
    for (auto* hooks : {&bundle.spec.hooks.create_runtime, &bundle.spec.hooks.create_container,
                        &bundle.spec.hooks.poststop}) {
        *hooks = {{"/bin/busybox",
                   {"sh", "-c", "/bin/busybox env >> " + mark.string()},
                   {"ONLY=this"},
                   {}}};
    }
    EXPECT_EQ(bundle.run().status, 0);
    const std::string seen = read_file(mark);
    EXPECT_THAT(seen, HasSubstr("ONLY=this"));
    EXPECT_THAT(seen, Not(HasSubstr("LD_PRELOAD")));
    EXPECT_THAT(seen, Not(HasSubstr("BRIG_SECRET")));
}

// CVE-2020-14370, CVE-2026-57231: a process has the variables that were written down, and a name
// without a value is not filled in from ours.
TEST_F(Privileges, OnlyTheVariablesThatWereGiven) {
    ::setenv("BRIG_SECRET", "of the caller", 1);
    const Defer unset([] { ::unsetenv("BRIG_SECRET"); });
    Bundle first({"true"});
    first.spec.process.env.emplace_back("OTHER=container's");
    for (const auto& output : both_ways(first, {"env"}))
        EXPECT_THAT(output, HasSubstr("OTHER=container's"));
    Bundle second({"true"});
    second.spec.process.env.emplace_back("BRIG_SECRET");
    for (const auto& output : both_ways(second, {"env"})) {
        EXPECT_THAT(output, Not(HasSubstr("of the caller")));
        EXPECT_THAT(output, Not(HasSubstr("OTHER")));
    }
}

// CVE-2019-16884, CVE-2025-52881: /proc of the container is a shared volume's at the moment its
// settings are written; they are written to the kernel's own all the same, or not at all.
TEST_F(Privileges, SettingsAreWrittenToTheRealProcfs) {
    TempDir fake("/tmp", "brig-fake-proc");
    std::filesystem::create_directories(fake.path() / "sys/net/ipv4");
    std::ofstream(fake.path() / "sys/net/ipv4/ip_forward") << "fake";
    Bundle bundle({"cat", "/proc/sys/net/ipv4/ip_forward"});
    bundle.spec.linux->sysctl["net.ipv4.ip_forward"] = "1";
    std::erase_if(bundle.spec.mounts, [](const Mount& m) { return m.target == "/proc"; });
    bundle.spec.linux->masked_paths.clear();
    bundle.spec.linux->readonly_paths.clear();
    bundle.spec.mounts.insert(bundle.spec.mounts.begin(), {"bind", fake.path(), "/proc", {"bind"}});
    const std::string message = failure(bundle);
    EXPECT_EQ(read_file(fake.path() / "sys/net/ipv4/ip_forward"), "fake") << message;
}

// CVE-2023-25809: in a user namespace the host's control groups are never there to be written.
TEST_F(Privileges, HostControlGroupsInAUserNamespace) {
    Bundle bundle({"sh", "-c",
                   "find /sys/fs/cgroup -type d -maxdepth 2 2>/dev/null | while read d; do "
                   "mkdir $d/escaped 2>/dev/null && echo made $d; done; echo end"});
    for (const char* applet : {"find", "mkdir"})
        std::filesystem::create_symlink("busybox", bundle.rootfs() / "bin" / applet);
    std::filesystem::permissions(bundle.path(), std::filesystem::perms(0755));
    auto& settings = *bundle.spec.linux;
    std::erase_if(settings.namespaces, [](const auto& ns) { return ns.type == "cgroup"; });
    settings.namespaces.push_back({"user", ""});
    settings.uid_mappings = settings.gid_mappings = {{0, 0, 1}};  // root itself, but for its rights
    for (Mount& mount : bundle.spec.mounts) {
        std::erase(mount.options, "gid=5");  // not mapped
        if (mount.type == "cgroup") std::erase(mount.options, "ro");
    }
    const auto outcome = bundle.run();
    EXPECT_EQ(outcome.output, "end\n");
}

}  // namespace
}  // namespace brig::runtime
