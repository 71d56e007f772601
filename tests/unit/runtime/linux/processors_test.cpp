// Which processors a container's processes may use. Needs root and busybox-static.
#include <gmock/gmock.h>
#include <sched.h>

#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::end;

// What our caller was bound to is not the container's.
TEST(Processors, AllByDefault) {
    if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
    cpu_set_t old;
    ASSERT_EQ(::sched_getaffinity(0, sizeof old, &old), 0);
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (CPU_COUNT(&old) < 2) GTEST_SKIP() << "needs two processors";
    const std::string line = "Cpus_allowed_list";
    Bundle bundle({"grep", line, "/proc/self/status"});
    const std::string all = bundle.run().output;
    ASSERT_EQ(::sched_setaffinity(0, sizeof first, &first), 0);
    EXPECT_EQ(bundle.run().output, all);
    bundle.spec.process.args = {"sleep", "100"};
    const Started started = bundle.runtime().run(bundle.request());
    EXPECT_EQ(bundle.exec({"grep", line, "/proc/self/status"}).output, all);
    end(bundle, started);
    ::sched_setaffinity(0, sizeof old, &old);
}

}  // namespace
}  // namespace brig::runtime
