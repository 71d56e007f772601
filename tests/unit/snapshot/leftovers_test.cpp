// Trying again, and the end of it.
#include "snapshot/leftovers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "base/error.h"

namespace brig::snapshot {
namespace {

using namespace std::chrono_literals;

/// Destroys nothing until told so, and no parent (1) before its child (2).
class Datasets {
public:
    void destroy(std::uint64_t id) {
        ++attempts;
        const std::scoped_lock lock(mutex_);
        if (!may_go || (id == 1 && !gone_.contains(2))) throw Error(ErrorKind::internal, "busy");
        gone_.insert(id);
    }
    [[nodiscard]] bool has_gone(std::uint64_t id) {
        for (int i = 0; i < 100; ++i) {
            {
                const std::scoped_lock lock(mutex_);
                if (gone_.contains(id)) return true;
            }
            std::this_thread::sleep_for(50ms);
        }
        return false;
    }

    std::atomic<bool> may_go = false;
    std::atomic<int> attempts = 0;

private:
    std::mutex mutex_;
    std::set<std::uint64_t> gone_;
};

TEST(Leftovers, GoWhenTheyCanChildrenFirst) {
    Datasets datasets;
    Leftovers leftovers([&](std::uint64_t id) { datasets.destroy(id); });
    leftovers.add(1);
    leftovers.add(2);
    std::this_thread::sleep_for(150ms);
    datasets.may_go = true;
    EXPECT_TRUE(datasets.has_gone(2));
    EXPECT_TRUE(datasets.has_gone(1));
    std::this_thread::sleep_for(50ms);
    const int attempts = datasets.attempts;
    std::this_thread::sleep_for(500ms);
    EXPECT_EQ(datasets.attempts, attempts) << "nothing is left to try";
    leftovers.add(3);
    EXPECT_TRUE(datasets.has_gone(3)) << "and again, after there was nothing";
}

TEST(Leftovers, DoNotKeepTheDriverFromEnding) {
    Datasets datasets;
    const auto begin = std::chrono::steady_clock::now();
    {
        Leftovers leftovers([&](std::uint64_t id) { datasets.destroy(id); });
        leftovers.add(1);
        std::this_thread::sleep_for(350ms);
    }
    EXPECT_GT(datasets.attempts, 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace brig::snapshot
