#include "os/terminal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "base/fd.h"
#include "os/pty.h"

namespace brig::os {
namespace {

TEST(WindowSize, OfATerminalThatKnowsIt) {
    const Pty pty = open_pty();
    set_window_size(pty.slave.get(), 20, 70);
    EXPECT_EQ(window_size(pty.slave.get()), (WindowSize{.rows = 20, .columns = 70}));
}

TEST(WindowSize, NothingOfATerminalThatDoesNot) {
    const Pty pty = open_pty();
    EXPECT_EQ(window_size(pty.slave.get()), std::nullopt);
}

TEST(WindowSize, NothingOfAPipe) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const Fd reader(ends[0]), writer(ends[1]);
    EXPECT_EQ(window_size(reader.get()), std::nullopt);
}

}  // namespace
}  // namespace brig::os
