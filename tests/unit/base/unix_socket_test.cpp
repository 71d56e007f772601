// Sockets by path, and descriptors through them.
#include "base/unix_socket.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/file.h"

namespace brig {
namespace {

TEST(UnixSocket, PathsThatTheKernelCannotTakeAreRefused) {
    EXPECT_STREQ(unix_address("/tmp/s").sun_path, "/tmp/s");
    EXPECT_THROW(unix_address("/" + std::string(200, 'x')), Error);
}

TEST(UnixSocket, NobodyThereIsAnErrorThatNamesThePath) {
    try {
        connect_unix("/nonexistent/socket");
        FAIL() << "connected";
    } catch (const SysError& e) {
        EXPECT_EQ(e.error_number(), ENOENT);
        EXPECT_THAT(e.message(), testing::HasSubstr("/nonexistent/socket"));
    }
}

TEST(UnixSocket, ADescriptorTravelsWithAMessage) {
    const TempDir directory("/tmp", "brig-socket");
    const Fd listener = unix_socket();
    const auto address = unix_address(directory.path() / "s");
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    const Fd sender = connect_unix(directory.path() / "s");
    const Fd receiver(::accept(listener.get(), nullptr, nullptr));
    auto [out, in] = make_pipe();
    ASSERT_TRUE(send_message(sender.get(), "name", in.get()));
    in.reset();

    std::array<char, 16> text{};
    iovec part{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    ASSERT_EQ(::recvmsg(receiver.get(), &message, 0), 4);
    EXPECT_STREQ(text.data(), "name");
    int fd = -1;
    ASSERT_NE(CMSG_FIRSTHDR(&message), nullptr);
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    write_all(Fd(fd).get(), "through it");
    EXPECT_EQ(read_to_end(out.get(), 100), "through it");
}

TEST(UnixSocket, AClosedOtherEndIsNoSignal) {
    auto [ours, theirs] = make_socket_pair();
    theirs.reset();
    EXPECT_FALSE(send_message(ours.get(), "x"));
}

}  // namespace
}  // namespace brig
