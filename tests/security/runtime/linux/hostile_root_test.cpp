// Root file systems and settings made to lead out of the container: each start either fails or is
// harmless, a canary on the host stays as it was, and nothing is left behind. Named after the CVEs
// whose attacks they repeat.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/defer.h"
#include "base/error.h"
#include "oci/runtime_defaults.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::end;
using test::failure;
using testing::HasSubstr;
using testing::Not;

class HostileRoot : public test::ContainerTest {
protected:
    void SetUp() override {
        if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
        mounts_ = read_file("/proc/self/mountinfo");
        std::ofstream(canary()) << "untouched";
        std::filesystem::create_directories(outside_.path() / "dir");
    }
    void TearDown() override {
        if (IsSkipped()) return;
        EXPECT_EQ(read_file(canary()), "untouched");
        EXPECT_TRUE(std::filesystem::is_empty(outside_.path() / "dir"));
        EXPECT_EQ(read_file("/proc/self/mountinfo"), mounts_);
    }
    [[nodiscard]] std::filesystem::path canary() const { return outside_.path() / "canary"; }

    TempDir outside_{"/tmp", "brig-outside"};
    std::string mounts_;
};

// CVE-2019-19921, CVE-2023-27561, CVE-2023-28642; CVE-2026-41579 for /dev.
TEST_F(HostileRoot, KernelDirectoriesMustNotBeLinks) {
    for (const char* name : {"proc", "sys", "dev"}) {
        Bundle bundle({"true"});
        std::filesystem::create_symlink(outside_.path() / "dir", bundle.rootfs() / name);
        EXPECT_THAT(failure(bundle), HasSubstr("symbolic link")) << name;
    }
    Bundle bundle({"true"});
    std::filesystem::create_directory(bundle.rootfs() / "real");
    std::filesystem::create_symlink("real", bundle.rootfs() / "proc");
    EXPECT_THAT(failure(bundle), HasSubstr("symbolic link"));
}

// CVE-2015-3629: mount targets through links of the image land inside.
TEST_F(HostileRoot, MountTargetsStayInside) {
    Bundle bundle({"cat", "/etc/hosts"});
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "hosts") << "mounted";
    std::filesystem::create_symlink(outside_.path() / "dir", bundle.rootfs() / "etc");
    bundle.spec.mounts.push_back({"bind", source.path() / "hosts", "/etc/hosts", {"bind"}});
    EXPECT_EQ(bundle.run().output, "mounted");
}

TEST_F(HostileRoot, DanglingFileTargetsAreMadeInside) {
    Bundle bundle({"cat", "/etc/resolv.conf"});
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "resolv") << "mounted";
    std::filesystem::create_directory(bundle.rootfs() / "etc");
    std::filesystem::create_symlink("../../../.." + (outside_.path() / "dir/new").string(),
                                    bundle.rootfs() / "etc/resolv.conf");
    bundle.spec.mounts.push_back({"bind", source.path() / "resolv", "/etc/resolv.conf", {"bind"}});
    EXPECT_EQ(bundle.run().output, "mounted");
}

// CVE-2019-16884, CVE-2015-3631.
TEST_F(HostileRoot, NothingIsMountedOverProc) {
    for (const char* target : {"/proc", "/proc/self", "/proc/sys/kernel", "/via-link/sys"}) {
        Bundle bundle({"true"});
        std::filesystem::create_symlink("/proc", bundle.rootfs() / "via-link");
        bundle.spec.mounts.push_back({"bind", outside_.path() / "dir", target, {"bind"}});
        EXPECT_THAT(failure(bundle), HasSubstr("inside /proc")) << target;
    }
}

// CVE-2025-31133: masking uses the host's null device, whatever the image has at /dev/null.
TEST_F(HostileRoot, MaskedFilesAreTheNullDevice) {
    Bundle bundle(
        {"sh", "-c", "stat -c %t:%T /proc/keys; stat -c %t:%T /proc/timer_list; cat /proc/keys"});
    // No tmpfs on /dev: the image's own nodes are used.
    std::erase_if(bundle.spec.mounts, [](const Mount& m) { return m.target.starts_with("/dev"); });
    std::filesystem::create_directory(bundle.rootfs() / "dev");
    std::filesystem::create_symlink("/proc/sys/kernel/core_pattern", bundle.rootfs() / "dev/null");
    EXPECT_THAT(failure(bundle),
                HasSubstr("/dev/null exists in the container's root and is not that device"));
    std::filesystem::remove(bundle.rootfs() / "dev/null");
    EXPECT_THAT(bundle.run().output, HasSubstr("1:3\n1:3\n"));
}

// CVE-2024-21626.
TEST_F(HostileRoot, WorkingDirectoryThroughADescriptor) {
    const Fd leak = open_file(outside_.path(), O_RDONLY | O_DIRECTORY);
    const Fd inherited(::dup(leak.get()));  // not close-on-exec
    for (int fd = 3; fd < 20; ++fd) {
        Bundle bundle({"pwd"});
        bundle.spec.process.cwd = fmt::format("/proc/self/fd/{}", fd);
        try {
            EXPECT_THAT(bundle.run().output, Not(HasSubstr(outside_.path().string())));
        } catch (const Error&) {
        }
    }
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    for (int fd = 3; fd < 20; ++fd) {
        bundle.spec.process.cwd = fmt::format("/proc/self/fd/{}", fd);
        try {
            EXPECT_THAT(bundle.exec({"pwd"}).output, Not(HasSubstr(outside_.path().string())));
        } catch (const Error&) {
        }
    }
    end(bundle, started);
}

// CVE-2024-5154, CVE-2026-55686: a working directory that is not there is made, inside.
TEST_F(HostileRoot, WorkingDirectoriesAreMadeInside) {
    Bundle bundle({"pwd"});
    std::filesystem::create_symlink(outside_.path() / "dir", bundle.rootfs() / "work");
    std::filesystem::create_symlink("../../../.." + (outside_.path() / "dir").string(),
                                    bundle.rootfs() / "climb");
    for (const char* cwd : {"/work/new", "/climb/new", "/work"}) {
        bundle.spec.process.cwd = cwd;
        (void)failure(bundle);
        EXPECT_TRUE(std::filesystem::is_empty(outside_.path() / "dir")) << cwd;
    }
}

// CVE-2015-3627: what was opened before the root changed leads to nothing of the host.
TEST_F(HostileRoot, StandardDescriptorsLeadNowhere) {
    Bundle bundle({"sh", "-c",
                   "for fd in 0 1 2; do for up in .. ../.. ../../tmp; do"
                   " ls /proc/self/fd/$fd/$up 2>/dev/null && echo reached; done; done; true"});
    EXPECT_EQ(bundle.run().output, "");
    bundle.spec.process.args = {"true"};
    const Started started = bundle.runtime().run(bundle.request());  // with null devices
    EXPECT_EQ(Bundle::wait(started.pid), 0);
    bundle.runtime().remove(bundle.id, true);
}

// CVE-2024-21626.
TEST_F(HostileRoot, OnlyStandardDescriptorsArePassedOn) {
    const Fd inherited(::dup(open_file(outside_.path(), O_RDONLY | O_DIRECTORY).get()));
    Bundle bundle({"sh", "-c", "ls /proc/self/fd"});
    // The fourth is ls's own.
    EXPECT_EQ(bundle.run().output, "0\n1\n2\n3\n");
}

// CVE-2016-9962: what enters cannot be looked at from inside before it has let go of everything.
TEST_F(HostileRoot, EnteringProcessesCannotBeTraced) {
    Bundle bundle(
        {"sh", "-c",
         "while true; do for p in /proc/[0-9]*; do ls -l $p/fd $p/cwd 2>/dev/null; done; done"});
    const auto& all = oci::default_capabilities();
    bundle.spec.process.capabilities->bounding = all;
    auto [out, in] = make_pipe();
    auto request = bundle.request();
    request.stdio.out = std::move(in);
    const Started started = bundle.runtime().run(std::move(request));
    request.stdio.out.reset();
    for (int i = 0; i < 30; ++i) EXPECT_EQ(bundle.exec({"true"}).status, 0);
    end(bundle, started);
    EXPECT_THAT(read_to_end(out.get(), 64U << 20U), Not(HasSubstr(bundle.path().string())));
}

// CVE-2016-3697, CVE-2024-9676, CVE-2026-47262: the image's user database is read with care.
TEST_F(HostileRoot, StrangePasswordFiles) {
    Bundle fifo({"sh", "-c", "echo $HOME"});
    std::filesystem::create_directory(fifo.rootfs() / "etc");
    ASSERT_EQ(::mkfifo((fifo.rootfs() / "etc/passwd").c_str(), 0644), 0);
    EXPECT_EQ(fifo.run().output, "/\n");
    Bundle link({"sh", "-c", "echo $HOME"});
    std::filesystem::create_directory(link.rootfs() / "etc");
    std::filesystem::create_symlink(canary(), link.rootfs() / "etc/passwd");
    EXPECT_EQ(link.run().output, "/\n");
    Bundle huge({"sh", "-c", "echo $HOME"});
    std::filesystem::create_directory(huge.rootfs() / "etc");
    std::ofstream(huge.rootfs() / "etc/passwd") << "root:x:0:0::/r:\n";
    std::filesystem::resize_file(huge.rootfs() / "etc/passwd", 4ULL << 30U);
    EXPECT_EQ(huge.run().output, "/\n");
}

// CVE-2025-52565: a terminal comes from a devpts, not from a file that the image calls one.
TEST_F(HostileRoot, FakeTerminalMultiplexer) {
    Bundle bundle({"true"});
    std::erase_if(bundle.spec.mounts, [](const Mount& m) { return m.target.starts_with("/dev"); });
    std::filesystem::create_directories(bundle.rootfs() / "dev/pts");
    std::filesystem::create_symlink(canary(), bundle.rootfs() / "dev/pts/ptmx");
    bundle.spec.process.terminal = true;
    EXPECT_NE(failure(bundle), "");
    std::filesystem::remove(bundle.rootfs() / "dev/pts/ptmx");
    std::ofstream(bundle.rootfs() / "dev/pts/ptmx") << "x";
    EXPECT_THAT(failure(bundle), HasSubstr("no terminal multiplexer"));
}

TEST_F(HostileRoot, ConsoleLinkIsNotFollowed) {
    Bundle bundle({"true"});
    std::erase_if(bundle.spec.mounts, [](const Mount& m) { return m.target == "/dev"; });
    std::filesystem::create_directories(bundle.rootfs() / "dev");
    std::filesystem::create_symlink(canary(), bundle.rootfs() / "dev/console");
    bundle.spec.process.terminal = true;
    (void)failure(bundle);  // the mount may cover the link itself
}

// CVE-2022-0811: only settings of the container's own namespaces.
TEST_F(HostileRoot, HostSettingsStay) {
    const std::string before = read_file("/proc/sys/kernel/core_pattern");
    for (const char* name :
         {"kernel.core_pattern", "kernel/core_pattern", "net/../kernel/core_pattern",
          "net.ipv4.x/../../../kernel/core_pattern", "vm.overcommit_memory"}) {
        Bundle bundle({"true"});
        bundle.spec.linux->sysctl[name] = "|/bin/false";
        EXPECT_NE(failure(bundle), "") << name;
    }
    // A value is one setting's, whatever is in it.
    for (const char* value : {"1\nkernel.core_pattern=|/x", "1+kernel.core_pattern=|/x"}) {
        Bundle bundle({"true"});
        bundle.spec.linux->sysctl["net.ipv4.ip_forward"] = value;
        (void)failure(bundle);
    }
    EXPECT_EQ(read_file("/proc/sys/kernel/core_pattern"), before);
}

TEST_F(HostileRoot, IdentifiersStayFileNames) {
    Bundle bundle({"true"});
    for (const char* id : {"", ".", "..", "../x", "a/b", ".seccomp", "a\nb"}) {
        auto request = bundle.request();
        request.id = id;
        EXPECT_THROW(bundle.runtime().run(std::move(request)), Error) << id;
    }
    bundle.spec.linux->cgroups_path = "/../../x";
    EXPECT_THAT(failure(bundle), HasSubstr("cgroupsPath"));
}

/// Swaps a directory of a volume for a link out of it and back, without a pause.
class Swapper {
public:
    Swapper(const std::filesystem::path& volume, const std::filesystem::path& target)
        : real_(volume / "real"), link_(volume / "link") {
        std::filesystem::create_directory(real_);
        std::filesystem::create_symlink("../../../../../../../.." + target.string(), link_);
        // A process, not a thread: the runtime forks without exec and wants to be alone in its
        // process.
        process_ = ::fork();
        if (process_ != 0) return;
        for (;;) ::syscall(SYS_renameat2, AT_FDCWD, real_.c_str(), AT_FDCWD, link_.c_str(), 2);
    }
    ~Swapper() {
        ::kill(process_, SIGKILL);
        Bundle::wait(process_);
    }
    Swapper(const Swapper&) = delete;

private:
    std::string real_, link_;
    pid_t process_;
};

// CVE-2021-30465, CVE-2025-52881: a directory of a shared volume is swapped for a link while
// another container's mount points are made in it.
TEST_F(HostileRoot, SwappedMountPoints) {
    TempDir shared("/tmp", "brig-shared");
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "file") << "x";
    const Swapper swapper(shared.path(), outside_.path() / "dir");
    for (int i = 0; i < 40; ++i) {
        Bundle bundle({"sh", "-c", "touch /vol/real/sub/mark /vol/link/sub/mark"});
        bundle.spec.mounts.push_back({"bind", shared.path(), "/vol", {"rbind"}});
        bundle.spec.mounts.push_back({"bind", source.path(), "/vol/real/sub", {"bind"}});
        bundle.spec.mounts.push_back({"bind", source.path() / "file", "/vol/real/a/b", {"bind"}});
        (void)failure(bundle);
    }
}

// CVE-2024-45310: the same, but nothing need be mounted in the end: the places that are made for
// mounts, empty files and directories, must not be made where the link leads.
TEST_F(HostileRoot, PlacesForMountsAreNotMadeOutside) {
    TempDir shared("/tmp", "brig-shared");
    TempDir source("/tmp", "brig-source");
    std::ofstream(source.path() / "file") << "x";
    std::filesystem::create_symlink(outside_.path() / "dir", shared.path() / "absolute");
    const Swapper swapper(shared.path(), outside_.path() / "dir");
    for (int i = 0; i < 40; ++i) {
        Bundle bundle({"true"});
        bundle.spec.mounts.push_back({"bind", shared.path(), "/vol", {"rbind"}});
        const auto file = source.path() / "file";
        const auto place = [&](const char* above) { return fmt::format("/vol/{}/n{}", above, i); };
        bundle.spec.mounts.push_back({"bind", file, place("link") + "/deep/file", {"bind"}});
        bundle.spec.mounts.push_back({"tmpfs", "tmpfs", place("real") + "-t", {}});
        bundle.spec.mounts.push_back({"bind", file, place("absolute"), {"bind"}});
        (void)failure(bundle);
        ASSERT_TRUE(std::filesystem::is_empty(outside_.path() / "dir"));
    }
}

}  // namespace
}  // namespace brig::runtime
