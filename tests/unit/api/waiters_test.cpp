#include "api/waiters.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <thread>

namespace brig::api {
namespace {

TEST(Waiters, TellTheResultOnce) {
    Waiters waiters;
    auto pair = make_socket_pair();
    const auto waiter = waiters.add(std::move(pair.second));
    waiter->finish("0");
    waiter->finish("1");
    EXPECT_EQ(read_to_end(pair.first.get(), 10), "0");
}

TEST(Waiters, ForgetWhoHasGone) {
    Waiters waiters;
    auto gone = make_socket_pair();
    auto here = make_socket_pair();
    const int descriptor = gone.second.get();
    const auto first = waiters.add(std::move(gone.second));
    const auto second = waiters.add(std::move(here.second));
    gone.first.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    auto newcomer = make_socket_pair();
    const auto third = waiters.add(std::move(newcomer.second));
    EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "still open";
    first->finish("nobody");
    second->finish("0");
    EXPECT_EQ(read_to_end(here.first.get(), 10), "0");
}

}  // namespace
}  // namespace brig::api
