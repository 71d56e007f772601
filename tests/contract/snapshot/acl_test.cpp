// ACLs through every snapshotter: into snapshots above, and into layers and out of them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "archive/layer.h"
#include "fixture.h"
#include "os/posix_acl.h"
#include "os/xattr.h"

namespace brig::snapshot {
namespace {

using os::AclTag;

std::string acl_for(std::uint32_t user) {
    return *os::encode_acl({{AclTag::owner, 7},
                            {AclTag::user, 6, user},
                            {AclTag::owning_group, 4},
                            {AclTag::mask, 6},
                            {AclTag::other, 0}});
}

/// False where the file system has none.
bool set_acl(const fs::path& root, const char* name, const char* which, const std::string& value) {
    const Fd directory = open_file(root.string(), O_RDONLY | O_DIRECTORY);
    return os::set_xattr(directory.get(), name, which, value);
}

std::string acl(const fs::path& root, const char* name, const char* which) {
    const Fd directory = open_file(root.string(), O_RDONLY | O_DIRECTORY);
    return os::get_xattr(directory.get(), name, which).value_or("none");
}

TEST_P(SnapshotContract, AclsAreKept) {
    bool supported = true;
    layer("base", std::nullopt, [&](const fs::path& root) {
        put(root / "f", "x");
        put(root / "same", "x");
        fs::create_directory(root / "d");
        supported = set_acl(root, "f", os::access_acl, acl_for(1)) &&
                    set_acl(root, "same", os::access_acl, acl_for(1)) &&
                    set_acl(root, "d", os::default_acl, acl_for(1));
    });
    if (!supported) GTEST_SKIP() << "no POSIX ACLs on this file system";
    layer("changed", "base", [](const fs::path& root) {
        EXPECT_EQ(acl(root, "f", os::access_acl), acl_for(1));
        EXPECT_EQ(acl(root, "d", os::default_acl), acl_for(1));
        ASSERT_TRUE(set_acl(root, "f", os::access_acl, acl_for(2)));
        ASSERT_TRUE(set_acl(root, "d", os::default_acl, acl_for(2)));
    });
    std::vector<std::string> changed;
    for (const auto& change : archive::layer_changes(driver_->tree("changed")))
        changed.push_back(change.path);
    EXPECT_THAT(changed, ::testing::ElementsAre("d", "f"));

    std::string tar;
    archive::write_layer(driver_->tree("changed"), [&](std::span<const std::byte> data) {
        tar.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
    driver_->prepare("unpacked", "base");
    archive::apply_tar(*archive::from_memory(tar), driver_->tree("unpacked"));
    change("unpacked", [](const fs::path& root) {
        EXPECT_EQ(acl(root, "f", os::access_acl), acl_for(2));
        EXPECT_EQ(acl(root, "d", os::default_acl), acl_for(2));
        EXPECT_EQ(acl(root, "same", os::access_acl), acl_for(1));
    });
}

}  // namespace
}  // namespace brig::snapshot
