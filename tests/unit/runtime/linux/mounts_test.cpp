// Mounts of config.json as the container finds them. Needs root and busybox-static.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using testing::HasSubstr;

class Mounts : public test::ContainerTest {
protected:
    static std::filesystem::path directory(const std::filesystem::path& path, mode_t mode,
                                           uid_t owner = 0) {
        std::filesystem::create_directories(path);
        EXPECT_EQ(::chmod(path.c_str(), mode), 0);
        EXPECT_EQ(::chown(path.c_str(), owner, owner), 0);
        return path;
    }
};

TEST_F(Mounts, CopyUpKeepsOwnersAndModes) {
    Bundle bundle({"sh", "-c", "stat -c '%a %u' /data /data/sub /data/sub/file; readlink /data/l"});
    const auto sub = directory(bundle.rootfs() / "data/sub", 0770, 7);
    std::ofstream(sub / "file") << "x";
    ASSERT_EQ(::chmod((sub / "file").c_str(), 0666), 0);
    ASSERT_EQ(::chown((sub / "file").c_str(), 8, 8), 0);
    std::filesystem::create_symlink("/etc", bundle.rootfs() / "data/l");
    bundle.spec.mounts.push_back({"tmpfs", "tmpfs", "/data", {"tmpcopyup"}});
    EXPECT_EQ(bundle.run().output, "755 0\n770 7\n666 8\n/etc\n");
}

TEST_F(Mounts, TmpfsHasTheModeOfWhatItCovers) {
    Bundle bundle({"stat", "-c", "%a", "/covers", "/new", "/given"});
    directory(bundle.rootfs() / "covers", 0710);
    directory(bundle.rootfs() / "given", 0710);
    bundle.spec.mounts.push_back({"tmpfs", "tmpfs", "/covers", {}});
    bundle.spec.mounts.push_back({"tmpfs", "tmpfs", "/new", {}});
    bundle.spec.mounts.push_back({"tmpfs", "tmpfs", "/given", {"mode=1500"}});
    EXPECT_EQ(bundle.run().output, "710\n1777\n1500\n");
}

TEST_F(Mounts, ReadOnlyTmpfsHoldsWhatIsMountedInIt) {
    Bundle bundle({"sh", "-c", "touch /dev/x 2>&1; echo hello > /dev/null && ls /dev/pts/ptmx"});
    for (Mount& mount : bundle.spec.mounts) {
        if (mount.target == "/dev") mount.options.emplace_back("ro");
    }
    const std::string output = bundle.run().output;
    EXPECT_THAT(output, HasSubstr("Read-only file system"));
    EXPECT_THAT(output, HasSubstr("/dev/pts/ptmx\n"));
}

TEST_F(Mounts, RelativeDestinationsStartAtTheRoot) {
    Bundle bundle({"cat", "/data/there"});
    const auto source = directory(bundle.path() / "source", 0755);
    std::ofstream(source / "there") << "yes";
    bundle.spec.mounts.push_back({"bind", source, "data", {"bind"}});
    EXPECT_EQ(bundle.run().output, "yes");
}

TEST_F(Mounts, PathsAreMaskedOnce) {
    Bundle bundle({"grep", "-c", " /secret ", "/proc/self/mountinfo"});
    directory(bundle.rootfs() / "secret", 0755);
    auto& masked = bundle.spec.linux->masked_paths;
    masked.insert(masked.end(), {"/secret", "/secret"});
    EXPECT_EQ(bundle.run().output, "1\n");
}

// Where only the caller may go.
TEST_F(Mounts, ClosedSourcesInAUserNamespace) {
    Bundle bundle({"cat", "/data/there"});
    bundle.spec.linux->namespaces.push_back({"user", ""});
    bundle.spec.linux->uid_mappings = bundle.spec.linux->gid_mappings = {{0, 100000, 65536}};
    directory(bundle.path(), 0711);
    directory(bundle.rootfs(), 0755, 100000);
    const auto closed = directory(bundle.path() / "closed", 0700);
    const auto source = directory(closed / "open", 0755);
    std::ofstream(source / "there") << "yes";
    bundle.spec.mounts.push_back({"bind", source, "/data", {"rbind", "ro"}});
    EXPECT_EQ(bundle.run().output, "yes");
}

// As brigd has it: layers and bundle where only root may go, with marks that only root can read.
TEST_F(Mounts, TheRootOfAUserNamespaceIsMountedByTheCaller) {
    Bundle bundle({"sh", "-c", "ls /bin/cat /d; echo x > /made && stat -c %u /made /d"});
    test::map_users(bundle);
    std::filesystem::rename(bundle.rootfs(), bundle.path() / "lower");
    directory(bundle.path() / "lower/d", 0755, 100000);
    std::ofstream(bundle.path() / "lower/d/hidden");
    directory(bundle.rootfs(), 0700);
    directory(bundle.path() / "work", 0700);
    directory(bundle.path() / "upper", 0755, 100000);
    const auto opaque = directory(bundle.path() / "upper/d", 0755, 100000);
    if (::lsetxattr(opaque.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0)
        GTEST_SKIP() << "no trusted attributes here";
    directory(bundle.path(), 0700);
    auto [out, in] = make_pipe();
    auto request = bundle.request();
    request.rootfs = {{"overlay",
                       "overlay",
                       "",
                       {"lowerdir=" + (bundle.path() / "lower").string(),
                        "upperdir=" + (bundle.path() / "upper").string(),
                        "workdir=" + (bundle.path() / "work").string()}}};
    request.stdio.out = std::move(in);
    const Started started = bundle.runtime().run(std::move(request));
    EXPECT_EQ(read_to_end(out.get(), 4096), "/bin/cat\n\n/d:\n0\n0\n");
    EXPECT_EQ(Bundle::wait(started.pid), 0);
}

TEST_F(Mounts, TheTerminalMultiplexerMayBeNamedAgain) {
    Bundle bundle({"readlink", "/dev/ptmx"});
    bundle.spec.linux->devices.push_back(
        {.path = "/dev/ptmx", .type = "c", .major = 5, .minor = 2});
    EXPECT_EQ(bundle.run().output, "pts/ptmx\n");
}

}  // namespace
}  // namespace brig::runtime
