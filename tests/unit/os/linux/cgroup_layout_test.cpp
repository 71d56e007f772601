// Where a container's control group goes, from the OCI's cgroupsPath.
#include "os/linux/cgroup_layout.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace brig::os {
namespace {

TEST(CgroupPath, StaysBelowTheMountPoint) {
    EXPECT_EQ(cgroup_path("id", ""), "/brig/id");
    EXPECT_EQ(cgroup_path("id", "a/b"), "/a/b");
    EXPECT_EQ(cgroup_path("id", "user.slice:brig:id"), "/user.slice/brig-id.scope");
    EXPECT_EQ(cgroup_path("id", ":brig:id"), "/system.slice/brig-id.scope");
    for (const char* path : {"/", "//", "/../x", "a/../../b", "x:../y:z"})
        EXPECT_THROW(cgroup_path("id", path), Error) << path;
}

}  // namespace
}  // namespace brig::os
