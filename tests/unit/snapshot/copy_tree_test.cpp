// What a copied tree takes of the place that it comes to, and of descriptors.
#include "snapshot/copy_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/defer.h"
#include "base/file.h"
#include "os/posix_acl.h"
#include "os/xattr.h"

namespace brig::snapshot {
namespace {

namespace fs = std::filesystem;

class CopyTreeTest : public ::testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(from_);
        fs::create_directories(to_);
    }
    void copy() {
        copy_tree(open_file(from_.string(), O_RDONLY | O_DIRECTORY),
                  open_file(to_.string(), O_RDONLY | O_DIRECTORY));
    }

    TempDir work_{fs::temp_directory_path(), "brig-copy-tree-test"};
    fs::path from_ = work_.path() / "from", to_ = work_.path() / "to";
};

TEST_F(CopyTreeTest, ManyLinkedFilesTakeFewDescriptors) {
    constexpr int many = 300;
    fs::create_directories(from_ / "a/deep");
    fs::create_directory(from_ / "b");
    for (int i = 0; i < many; ++i) {
        const auto name = std::to_string(i);
        std::ofstream(from_ / "a/deep" / name) << name;
        fs::create_hard_link(from_ / "a/deep" / name, from_ / "b" / name);
    }
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const Defer restore([&] { ::setrlimit(RLIMIT_NOFILE, &before); });
    const rlimit few{.rlim_cur = 100, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    copy();
    for (int i = 0; i < many; ++i) {
        const auto name = std::to_string(i);
        EXPECT_TRUE(fs::equivalent(to_ / "a/deep" / name, to_ / "b" / name)) << name;
    }
}

TEST_F(CopyTreeTest, NothingIsInheritedOfTheTargetsAcl) {
    const Fd to = open_file(to_.string(), O_RDONLY | O_DIRECTORY);
    const auto everybody = *os::encode_acl({{os::AclTag::owner, 7},
                                            {os::AclTag::user, 7, 12345},
                                            {os::AclTag::owning_group, 7},
                                            {os::AclTag::mask, 7},
                                            {os::AclTag::other, 7}});
    if (!os::set_xattr(to.get(), ".", os::default_acl, everybody))
        GTEST_SKIP() << "no POSIX ACLs on this file system";
    fs::create_directory(from_ / "d");
    std::ofstream(from_ / "d/f") << "x";
    for (const char* name : {"d", "d/f"})
        ASSERT_EQ(::chmod((from_ / name).c_str(), name[1] == 0 ? 0750 : 0640), 0);
    copy();
    for (const char* name : {".", "d", "d/f"}) {
        struct stat info {
        }, source{};
        for (const char* acl : {os::access_acl, os::default_acl})
            EXPECT_FALSE(os::get_xattr(to.get(), name, acl)) << name << " " << acl;
        ASSERT_EQ(::stat((to_ / name).c_str(), &info), 0);
        ASSERT_EQ(::stat((from_ / name).c_str(), &source), 0);
        EXPECT_EQ(info.st_mode, source.st_mode) << name;
    }
}

}  // namespace
}  // namespace brig::snapshot
