// What was unpacked for a user namespace is, in a container with the same mapping, what the archive
// says: the two halves fit.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "archive/layer.h"
#include "support/container_test.h"
#include "support/tar_builder.h"

namespace brig::archive {
namespace {

using brig::testing::TarBuilder;
using test::Bundle;
using ::testing::HasSubstr;
using namespace std::string_literals;
namespace fs = std::filesystem;

const std::vector<IdMapping> users{{0, 100000, 65536}};
const std::vector<IdMapping> groups{{0, 300000, 65536}};
/// cap_net_raw, effective, for whoever executes it.
const std::string net_raw = "\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"s;

class OwnerRun : public test::ContainerTest {
protected:
    /// A root like this, and a container in it.
    static void fill(Bundle& bundle) {
        const std::string busybox = read_file("/bin/busybox", 16U << 20U);
        TarBuilder tar;
        tar.directory("./").directory("bin/").file("bin/busybox", busybox, {.mode = 0755});
        for (const char* name : {"sh", "stat", "grep", "touch", "cat"})
            tar.symlink("bin/"s + name, "busybox");
        tar.pax("SCHILY.xattr.security.capability", net_raw)
            .file("capable/busybox", busybox, {.mode = 0755})
            .file("user", "", {.mode = 0600, .uid = 1000, .gid = 50})
            .file("own", "", {.mode = 04755, .uid = 0, .gid = 0})
            .file("last", "", {.uid = 65535, .gid = 65535});
        remove_tree(bundle.rootfs());
        fs::create_directory(bundle.rootfs());
        fs::permissions(bundle.path(), fs::perms(0755));
        const LayerTree tree{.root = open_file(bundle.rootfs().string(), O_RDONLY | O_DIRECTORY),
                             .owners = OwnerMap(users, groups)};
        apply_tar(*from_memory(tar.finish()), tree);
        bundle.spec.linux->namespaces.push_back({"user", ""});
        bundle.spec.linux->uid_mappings = users;
        bundle.spec.linux->gid_mappings = groups;
    }
};

TEST_F(OwnerRun, InsideTheOwnersAreTheArchives) {
    Bundle bundle({"stat", "-c", "%n %u:%g %a", "/", "/user", "/own", "/last", "/bin/sh"});
    fill(bundle);
    EXPECT_EQ(bundle.run().output,
              "/ 0:0 755\n/user 1000:50 600\n/own 0:0 4755\n/last 65535:65535 644\n"
              "/bin/sh 0:0 777\n");
}

TEST_F(OwnerRun, TheRootIsItsRootsToWrite) {
    Bundle bundle({"sh", "-c", "touch /made && stat -c %u:%g /made"});
    fill(bundle);
    EXPECT_EQ(bundle.run().output, "0:0\n");
    std::string out;
    write_node(open_file(bundle.rootfs().string(), O_RDONLY | O_DIRECTORY), "made",
               [&](std::span<const std::byte> data) {
                   out.append(reinterpret_cast<const char*>(data.data()), data.size());
               },
               {.owners = OwnerMap(users, groups)});
    EXPECT_THAT(out, HasSubstr("000644 \0"s + "000000 \0"s + "000000 \0"s));
}

TEST_F(OwnerRun, FileCapabilitiesCount) {
    Bundle bundle({"/capable/busybox", "grep", "CapEff", "/proc/self/status"});
    fill(bundle);
    bundle.spec.process.user.uid = 1000;
    auto& sets = bundle.spec.process.capabilities.emplace();
    sets.bounding = {"CAP_NET_RAW"};
    EXPECT_EQ(bundle.run().output, "CapEff:\t0000000000002000\n");
    bundle.spec.process.args = {"/bin/busybox", "grep", "CapEff", "/proc/self/status"};
    EXPECT_EQ(bundle.run().output, "CapEff:\t0000000000000000\n");
}

}  // namespace
}  // namespace brig::archive
