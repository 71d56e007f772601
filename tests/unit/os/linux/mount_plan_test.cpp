// Mount options: each goes to whom it concerns, and none is silently dropped.
#include "os/linux/mount_plan.h"

#include <gmock/gmock.h>
#include <sys/mount.h>

#include "base/error.h"

namespace brig::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(MountPlan, SortsOptions) {
    const MountPlan plan =
        plan_mount({"tmpfs",
                    "shm",
                    "/dev/shm/",
                    {"nosuid", "mode=1777", "noexec", "huge", "rslave", "defaults"}});
    EXPECT_EQ(plan.target, "/dev/shm");
    EXPECT_EQ(plan.top.set, static_cast<std::uint64_t>(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    EXPECT_THAT(plan.parameters, ElementsAre(Pair("mode", std::optional<std::string>("1777")),
                                             Pair("huge", std::nullopt)));
    EXPECT_THAT(plan.propagation, ElementsAre(MS_SLAVE | MS_REC));
    EXPECT_FALSE(plan.bind);
}

TEST(MountPlan, LaterOptionsUndoEarlierOnes) {
    EXPECT_EQ(plan_mount({"tmpfs", "", "/x", {"ro", "rw"}}).top.set, 0U);
    EXPECT_EQ(plan_mount({"tmpfs", "", "/x", {"ro", "rw"}}).top.clear,
              static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
    EXPECT_EQ(plan_mount({"tmpfs", "", "/x", {"rw", "ro"}}).top.set,
              static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
    const auto atime = plan_mount({"tmpfs", "", "/x", {"noatime", "strictatime"}}).top;
    EXPECT_EQ(atime.set, static_cast<std::uint64_t>(MOUNT_ATTR_STRICTATIME));
    EXPECT_EQ(atime.clear, static_cast<std::uint64_t>(MOUNT_ATTR__ATIME));
}

TEST(MountPlan, BindsAndRecursion) {
    EXPECT_TRUE(plan_mount({"none", "/s", "/x", {"rbind", "rro"}}).recursive_bind);
    EXPECT_EQ(plan_mount({"none", "/s", "/x", {"rbind", "rro"}}).recursive.set,
              static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY));
    EXPECT_TRUE(plan_mount({"bind", "/s", "/x", {}}).bind);
    EXPECT_FALSE(plan_mount({"bind", "/s", "/x", {"ro"}}).recursive_bind);
    EXPECT_TRUE(plan_mount({"", "/s", "/x", {"bind"}}).bind);
    EXPECT_TRUE(plan_mount({"bind", "/s", "/x", {"mode=755"}}).bind);
}

TEST(MountPlan, RefusesWhatItCannotDo) {
    EXPECT_THROW(plan_mount({"", "/s", "/x", {}}), Error);
    EXPECT_THROW(plan_mount({"bind", "/s", "/x", {"frobnicate"}}), Error);
    EXPECT_THROW(plan_mount({"proc", "proc", "/x", {"tmpcopyup"}}), Error);
}

}  // namespace
}  // namespace brig::os
