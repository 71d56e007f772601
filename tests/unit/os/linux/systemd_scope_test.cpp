// What systemd is asked for. Whether it answers is shown where it runs.
#include "os/linux/systemd_scope.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

TEST(SystemdScope, SlicesAreNested) {
    EXPECT_EQ(slice_path("system.slice"), "/system.slice");
    EXPECT_EQ(slice_path("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
    EXPECT_EQ(slice_path("-.slice"), "");
    for (const char* bad : {"", "x", ".slice", "a/b.slice", "-a.slice", "a-.slice", "a--b.slice"})
        EXPECT_THROW((void)slice_path(bad), Error) << bad;
}

TEST(SystemdScope, IsAskedForWithItsLimits) {
    Resources resources;
    resources.memory.limit = 1 << 20;
    resources.memory.swap = 3 << 20;
    resources.cpu.shares = 1024;
    resources.cpu.quota = 50000;
    resources.pids_limit = -1;
    EXPECT_EQ(join(scope_call("/user.slice/brig-id.scope", 42, resources), " "),
              "busctl --quiet call org.freedesktop.systemd1 /org/freedesktop/systemd1 "
              "org.freedesktop.systemd1.Manager StartTransientUnit ssa(sv)a(sa(sv)) brig-id.scope "
              "fail 11 PIDs au 1 42 MemoryMax t 1048576 MemorySwapMax t 2097152 CPUWeight t 39 "
              "CPUQuotaPerSecUSec t 500000 TasksMax t 18446744073709551615 "
              "Description s container brig-id.scope Slice s user.slice Delegate b true "
              "DefaultDependencies b false CollectMode s inactive-or-failed 0");
}

}  // namespace
}  // namespace brig::os
