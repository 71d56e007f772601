// linux.memoryPolicy, for the first process and for those that enter. Needs root and
// busybox-static.
#include <gmock/gmock.h>

#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::both_ways;
using test::Bundle;
using test::failure;
using testing::HasSubstr;

class MemoryPolicy : public test::ContainerTest {
protected:
    void SetUp() override {
        ContainerTest::SetUp();
        if (!std::filesystem::exists("/proc/self/numa_maps"))
            GTEST_SKIP() << "this kernel has no NUMA";
    }
    static std::string refusal(const oci::MemoryPolicy& policy) {
        Bundle bundle({"true"});
        bundle.spec.linux->memory_policy = policy;
        return failure(bundle);
    }
};

TEST_F(MemoryPolicy, HoldsForTheFirstProcessAndForFurtherOnes) {
    Bundle bundle({"true"});
    std::filesystem::create_symlink("busybox", bundle.rootfs() / "bin/head");
    bundle.spec.linux->memory_policy = {"MPOL_BIND", "0", {"MPOL_F_STATIC_NODES"}};
    for (const auto& output : both_ways(bundle, {"head", "-n1", "/proc/self/numa_maps"}))
        EXPECT_THAT(output, HasSubstr(" bind=static:0 "));
}

TEST_F(MemoryPolicy, WhatIsNoPolicyIsRefused) {
    EXPECT_THAT(refusal({}), HasSubstr("invalid memory policy mode \"\""));
    EXPECT_THAT(refusal({"BIND", "0", {}}), HasSubstr("invalid memory policy mode \"BIND\""));
    EXPECT_THAT(refusal({"MPOL_BIND", "0", {"x"}}), HasSubstr("invalid memory policy flag \"x\""));
    EXPECT_THAT(refusal({"MPOL_BIND", "0-9876543210", {}}),
                HasSubstr("invalid memory policy node"));
    EXPECT_THAT(refusal({"MPOL_BIND", "1-0", {}}), HasSubstr("invalid memory policy node"));
    EXPECT_THAT(refusal({"MPOL_BIND", "", {}}), HasSubstr("requires at least 1 node"));
    EXPECT_THAT(refusal({"MPOL_LOCAL", "0-7", {}}), HasSubstr("mode requires 0 nodes but got 8"));
    EXPECT_EQ(refusal({"MPOL_DEFAULT", "", {}}), "");
}

}  // namespace
}  // namespace brig::runtime
