// Leftovers where no thread can be started for them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "snapshot/leftovers.h"
#include "support/no_threads.h"

namespace brig::snapshot {
namespace {

TEST(LeftoversThread, AreTriedWithTheNextOneThatHasAThread) {
    std::atomic<int> destroyed = 0;
    Leftovers leftovers([&](std::uint64_t) { ++destroyed; });
    {
        const ::brig::testing::NoThreads none;
        EXPECT_NO_THROW(leftovers.add(1));
    }
    leftovers.add(2);
    for (int i = 0; i < 100 && destroyed < 2; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(destroyed, 2);
}

}  // namespace
}  // namespace brig::snapshot
