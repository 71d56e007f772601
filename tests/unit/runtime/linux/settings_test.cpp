// Settings of config.json as the container sees them, and those that are refused: nothing that is
// asked for is passed over. Needs root and busybox-static.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/stat.h>

#include <fstream>

#include "base/error.h"
#include "base/strings.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::end;
using test::failure;
using test::map_users;
using testing::HasSubstr;
using testing::StartsWith;

class Settings : public test::ContainerTest {
protected:
    static Bundle& busybox(Bundle& bundle, const char* applet) {
        std::filesystem::create_symlink("busybox", bundle.rootfs() / "bin" / applet);
        return bundle;
    }
};

TEST_F(Settings, Personality) {
    Bundle bundle({"uname", "-m"});
    bundle.spec.linux->personality = "LINUX32";
    EXPECT_EQ(busybox(bundle, "uname").run().output, "i686\n");
    bundle.spec.process.args = {"sleep", "100"};
    const Started started = bundle.runtime().run(bundle.request());
    EXPECT_EQ(bundle.exec({"uname", "-m"}).output, "i686\n");
    end(bundle, started);
}

TEST_F(Settings, ClocksOfATimeNamespace) {
    Bundle bundle({"sleep", "100"});
    bundle.spec.linux->namespaces.push_back({"time", ""});
    bundle.spec.linux->time_offsets["boottime"] = {.seconds = 50000000};
    bundle.spec.linux->time_offsets["monotonic"] = {.seconds = 7, .nanoseconds = 1};
    const Started started = bundle.runtime().run(bundle.request());
    const auto uptime = parse_int<std::uint64_t>(
        split_once(bundle.exec({"cat", "/proc/uptime"}).output, '.').first);
    EXPECT_GE(uptime.value_or(0), 50000000U);
    end(bundle, started);

    Bundle host_clock({"true"});
    host_clock.spec.linux->time_offsets["boottime"] = {.seconds = 1};
    EXPECT_THAT(failure(host_clock), HasSubstr("timeOffsets: needs a new time namespace"));
}

TEST_F(Settings, ClocksInAUserNamespace) {
    Bundle bundle({"cat", "/proc/self/timens_offsets"});
    map_users(bundle);
    bundle.spec.linux->namespaces.push_back({"time", ""});
    bundle.spec.linux->time_offsets["boottime"] = {.seconds = 1337};
    EXPECT_THAT(bundle.run().output, HasSubstr("1337"));
}

TEST_F(Settings, EachVariableOnce) {
    Bundle bundle({"env"});
    bundle.spec.process.env = {"ONE=two", "PATH=/bin", "ONE=", "HOME=", "ONE=three"};
    EXPECT_EQ(bundle.run().output, "PATH=/bin\nONE=three\nHOME=/\n");
}

TEST_F(Settings, ProgramsThatOnlyACapabilityOpens) {
    Bundle bundle({"/bin/true"});
    ASSERT_EQ(::chmod((bundle.rootfs() / "bin/busybox").c_str(), 0744), 0);
    bundle.spec.process.user.uid = 1000;
    auto& sets = *bundle.spec.process.capabilities;
    sets = {};
    EXPECT_THAT(failure(bundle), HasSubstr("permission denied"));
    for (auto* set :
         {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient})
        *set = {"CAP_DAC_OVERRIDE"};
    EXPECT_EQ(bundle.run().status, 0);
}

TEST_F(Settings, SchedulerAndPriorities) {
    Bundle bundle({"sh", "-c", "cat /proc/self/stat; ionice"});
    bundle.spec.process.scheduler = {.policy = "SCHED_BATCH", .nice = 5};
    bundle.spec.process.io_priority = {"IOPRIO_CLASS_BE", 6};
    const auto lines = split(busybox(bundle, "ionice").run().output, '\n');
    const auto fields = split(lines.at(0), ' ');
    EXPECT_EQ(fields.at(18), "5");
    EXPECT_EQ(fields.at(40), "3");
    EXPECT_EQ(lines.at(1), "best-effort: prio 6");
    bundle.spec.process.scheduler->policy = "SCHED_X";
    EXPECT_THAT(failure(bundle), HasSubstr("process.scheduler.policy: unknown value \"SCHED_X\""));
    bundle.spec.process.scheduler.reset();
    bundle.spec.process.io_priority->priority = 8;
    EXPECT_THAT(failure(bundle), HasSubstr("process.ioPriority.priority"));
}

TEST_F(Settings, UnknownCapabilitiesAreNotGiven) {
    Bundle bundle({"grep", "CapBnd", "/proc/self/status"});
    bundle.spec.process.capabilities->bounding = {"CAP_UNKNOWN", "CAP_KILL"};
    EXPECT_THAT(bundle.run().output, HasSubstr("\t0000000000000020\n"));
}

TEST_F(Settings, OccupiedAndFrozenGroupsAreRefused) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    Bundle second({"true"});
    second.spec.linux->cgroups_path = "/brig/" + bundle.id;
    EXPECT_THAT(failure(second), HasSubstr("container's cgroup is not empty"));
    EXPECT_EQ(bundle.runtime().state(bundle.id).status, Status::running);
    end(bundle, started);

    const std::filesystem::path unified = "/sys/fs/cgroup/unified";
    const auto group = (std::filesystem::exists(unified) ? unified : unified.parent_path()) /
                       ("brig/frozen-" + bundle.id);
    std::error_code error;
    if (!std::filesystem::create_directories(group, error))
        GTEST_SKIP() << "no version 2 of control groups";
    write_all(open_file(group / "cgroup.freeze", O_WRONLY).get(), "1");
    second.spec.linux->cgroups_path = "/brig/frozen-" + bundle.id;
    EXPECT_THAT(failure(second), HasSubstr("container's cgroup unexpectedly frozen"));
    std::filesystem::remove(group, error);
}

TEST_F(Settings, ProcessorsOfAnEnteringProcess) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    bundle.spec.process.exec_affinity = {.initial = "0", .final = "0"};
    EXPECT_THAT(bundle.exec({"grep", "Cpus_allowed_list", "/proc/self/status"}).output,
                HasSubstr("\t0\n"));
    bundle.spec.process.exec_affinity->final = "x";
    EXPECT_THROW(bundle.exec({"true"}), Error);
    end(bundle, started);
}

TEST_F(Settings, UserNamespace) {
    Bundle bundle({"sleep", "100"});
    map_users(bundle);
    const Started started = bundle.runtime().run(bundle.request());
    const auto outcome = bundle.exec(
        {"sh", "-c", "cat /proc/self/uid_map; id -u; stat -c %u /bin/busybox; ls /dev"});
    EXPECT_THAT(outcome.output, HasSubstr("100000      65536\n0\n0\n"));
    EXPECT_THAT(outcome.output, HasSubstr("null"));
    struct stat info {};
    ASSERT_EQ(::stat(fmt::format("/proc/{}", started.pid).c_str(), &info), 0);
    end(bundle, started);
}

TEST_F(Settings, JoinsAUserNamespaceAndOthersOfIt) {
    Bundle first({"sleep", "100"});
    map_users(first);
    const Started started = first.runtime().run(first.request());
    Bundle second(
        {"sh", "-c",
         "cat /proc/self/uid_map; readlink /proc/self/ns/net; readlink /proc/self/ns/uts"});
    map_users(second);
    second.spec.linux->uid_mappings.clear();
    second.spec.linux->gid_mappings.clear();
    const auto path = [&](const char* name) {
        return fmt::format("/proc/{}/ns/{}", started.pid, name);
    };
    for (auto& ns : second.spec.linux->namespaces) {
        if (ns.type == "user") ns.path = path("user");
        if (ns.type == "network") ns.path = path("net");
    }
    const std::string net = std::filesystem::read_symlink(path("net")).string();
    const std::string uts = std::filesystem::read_symlink(path("uts")).string();
    const auto outcome = second.run();
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.output, HasSubstr("100000      65536\n" + net + "\n"));
    EXPECT_THAT(outcome.output, testing::Not(HasSubstr(uts)));
    end(first, started);
}

TEST_F(Settings, NewUserNamespaceInAJoinedNetwork) {
    Bundle first({"sleep", "100"});
    const Started started = first.runtime().run(first.request());
    const std::string path = fmt::format("/proc/{}/ns/net", started.pid);
    Bundle second({"readlink", "/proc/self/ns/net"});
    map_users(second);
    // Only the owner of the network namespace may mount a sysfs of it.
    std::erase_if(second.spec.mounts, [](const Mount& m) { return m.target.starts_with("/sys"); });
    for (auto& ns : second.spec.linux->namespaces) {
        if (ns.type == "network") ns.path = path;
    }
    const std::string net = std::filesystem::read_symlink(path).string();
    EXPECT_EQ(second.run().output, net + "\n");
    end(first, started);
}

TEST_F(Settings, JoinsAMountNamespace) {
    Bundle first({"sleep", "100"});
    const Started started = first.runtime().run(first.request());
    // Its own root is all that is visible there.
    Bundle second({"sh", "-c", "echo joined"});
    for (auto& ns : second.spec.linux->namespaces) {
        if (ns.type == "mount") ns.path = fmt::format("/proc/{}/ns/mnt", started.pid);
    }
    second.spec.root.path = "/";
    second.spec.mounts.clear();
    second.spec.linux->masked_paths.clear();
    second.spec.linux->readonly_paths.clear();
    EXPECT_EQ(second.run().output, "joined\n");
    end(first, started);
}

TEST_F(Settings, IdmappedMounts) {
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "file") << "x";
    ASSERT_EQ(::chown((source.path() / "file").c_str(), 5, 6), 0);
    Bundle bundle({"stat", "-c", "%u:%g", "/vol/file"});
    Mount mount{"bind", source.path(), "/vol", {"bind", "idmap"}};
    mount.uid_mappings = {{0, 1000, 100}};
    mount.gid_mappings = {{0, 2000, 100}};
    bundle.spec.mounts.push_back(mount);
    EXPECT_EQ(bundle.run().output, "1005:2006\n");
    bundle.spec.mounts.back().uid_mappings.clear();
    EXPECT_THAT(failure(bundle), HasSubstr("idmap needs uidMappings"));

    // With the container's own mappings files on disk look as they would without them.
    Bundle mapped({"stat", "-c", "%u:%g", "/vol/file"});
    map_users(mapped);
    mapped.spec.mounts.push_back({"bind", source.path(), "/vol", {"rbind", "ridmap"}});
    EXPECT_EQ(mapped.run().output, "5:6\n");
}

TEST_F(Settings, MountOptionsThatMeanNothingAreRefused) {
    TempDir source("/tmp", "brig-source");
    Bundle bundle({"true"});
    bundle.spec.mounts.push_back({"bind", source.path(), "/vol", {"bind", "frobnicate"}});
    EXPECT_THAT(failure(bundle),
                HasSubstr("mount /vol: a bind mount has no option \"frobnicate\""));
    bundle.spec.mounts.back() = {"tmpfs", "tmpfs", "/vol", {"frobnicate=1"}};
    EXPECT_THAT(failure(bundle), HasSubstr("frobnicate"));
}

TEST_F(Settings, LimitsGivenTwice) {
    Bundle bundle({"true"});
    bundle.spec.process.rlimits = {{"RLIMIT_NOFILE", 10, 10}, {"RLIMIT_NOFILE", 11, 11}};
    EXPECT_THAT(failure(bundle), HasSubstr("RLIMIT_NOFILE is given twice"));
}

TEST_F(Settings, LabelsOfAbsentSecurityModules) {
    if (std::filesystem::exists("/sys/fs/selinux/enforce") ||
        std::filesystem::exists("/sys/module/apparmor"))
        GTEST_SKIP() << "this host has one of them";
    Bundle bundle({"true"});
    bundle.spec.process.selinux_label = "system_u:system_r:container_t:s0";
    EXPECT_THAT(failure(bundle), HasSubstr("no SELinux"));
    bundle.spec.process.selinux_label.clear();
    bundle.spec.process.apparmor_profile = "docker-default";
    EXPECT_THAT(failure(bundle), HasSubstr("no AppArmor"));
    bundle.spec.process.apparmor_profile.clear();
    bundle.spec.linux->mount_label = "system_u:object_r:container_file_t:s0";
    EXPECT_THAT(failure(bundle), HasSubstr("linux.mountLabel"));
}

TEST_F(Settings, ObsoleteLimits) {
    Bundle bundle({"true"});
    bundle.spec.linux->resources.memory.kernel = 1 << 30;
    EXPECT_EQ(bundle.run().status, 0) << "kernel memory counts as memory today";
    bundle.spec.linux->resources.memory.kernel.reset();
    bundle.spec.linux->resources.memory.kernel_tcp = 1 << 20;
    EXPECT_EQ(bundle.run().status, 0) << "a limit in version 1, a part of the memory in version 2";
    bundle.spec.linux->resources.memory.kernel_tcp.reset();
    bundle.spec.linux->resources.block_io.leaf_weight = 100;
    EXPECT_THAT(failure(bundle), HasSubstr("blockIO.leafWeight"));
    bundle.spec.linux->resources.block_io.leaf_weight.reset();
    bundle.spec.linux->resources.rdma["mlx5_0"].handles = 1;
    EXPECT_THAT(failure(bundle), HasSubstr("rdma"));
}

TEST_F(Settings, CheckBeforeUpdate) {
    Bundle bundle({"sleep", "100"});
    bundle.spec.linux->resources.memory.limit = 64 << 20;
    const Started started = bundle.runtime().run(bundle.request());
    oci::Resources tiny;
    tiny.memory.limit = 4096;
    tiny.memory.check_before_update = true;
    EXPECT_THROW(bundle.runtime().update(bundle.id, tiny), Error);
    end(bundle, started);
}

TEST_F(Settings, PoststopHooksFollowAFailedHook) {
    Bundle bundle({"true"});
    const auto mark = bundle.path() / "mark";
    bundle.spec.hooks.create_runtime = {{"/bin/false", {}, {}, {}}};
    bundle.spec.hooks.poststop = {
        {"/bin/sh", {"sh", "-c", "cat > " + mark.string()}, {"PATH=/bin:/usr/bin"}, {}}};
    EXPECT_THAT(failure(bundle), HasSubstr("hook /bin/false failed"));
    EXPECT_THAT(read_file(mark), HasSubstr("\"status\":\"stopped\""));
}

TEST_F(Settings, HooksThatTakeTooLong) {
    Bundle bundle({"true"});
    bundle.spec.hooks.create_container = {{"/bin/sleep", {"sleep", "100"}, {}, 1}};
    EXPECT_THAT(failure(bundle), HasSubstr("hook /bin/sleep took longer than 1 s"));
}

}  // namespace
}  // namespace brig::runtime
