// SCMP_ACT_NOTIFY: a program of the host answers a container's system calls.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/defer.h"
#include "base/error.h"
#include "support/bundle.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using testing::HasSubstr;

Fd listen_on(const std::filesystem::path& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.get(), 4), 0);
    return socket;
}

/// Takes one message and its descriptor; answers every question with EXDEV.
void answer_one(int connection, const std::filesystem::path& told) {
    std::array<char, 65536> text{};
    iovec part{text.data(), text.size()};
    union {
        cmsghdr header;
        std::array<char, CMSG_SPACE(sizeof(int))> space;
    } control{};
    msghdr packet{};
    packet.msg_iov = &part;
    packet.msg_iovlen = 1;
    packet.msg_control = &control;
    packet.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(connection, &packet, MSG_CMSG_CLOEXEC);
    if (n <= 0) ::_exit(1);
    int questions = -1;
    std::memcpy(&questions, CMSG_DATA(CMSG_FIRSTHDR(&packet)), sizeof questions);
    write_file_atomic(told, std::string_view(text.data(), static_cast<std::size_t>(n)));
    for (;;) {
        seccomp_notif question{};
        if (::ioctl(questions, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0) return;
        seccomp_notif_resp answer{};
        answer.id = question.id;
        answer.error = -EXDEV;
        ::ioctl(questions, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

TEST(FilterListener, AnswersTheContainersCalls) {
    if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
    Bundle bundle({"sleep", "100"});
    std::filesystem::create_symlink("busybox", bundle.rootfs() / "bin/mkdir");
    const auto told = bundle.path() / "told.json";
    auto& seccomp = bundle.spec.linux->seccomp.value();
    seccomp.listener_path = bundle.path() / "listener";
    seccomp.listener_metadata = "hello";
    for (auto& rule : seccomp.syscalls) std::erase(rule.names, "mkdir");
    std::erase_if(seccomp.syscalls, [](const auto& rule) { return rule.names.empty(); });
    seccomp.syscalls.push_back({.names = {"mkdir"}, .action = "SCMP_ACT_NOTIFY"});

    const Fd listener = listen_on(seccomp.listener_path);
    const pid_t server = ::fork();
    if (server == 0) {
        for (;;) {
            const Fd connection(::accept(listener.get(), nullptr, nullptr));
            if (::fork() == 0) {
                answer_one(connection.get(), told);
                ::_exit(0);
            }
        }
    }
    const Defer stop([&] {
        ::kill(server, SIGKILL);
        Bundle::wait(server);
    });

    const Started started = bundle.runtime().run(bundle.request());
    const auto outcome = bundle.exec({"mkdir", "/x"});
    EXPECT_THAT(outcome.output, HasSubstr("cross-device link"));
    const auto message = nlohmann::json::parse(read_file(told));
    EXPECT_EQ(message.at("metadata"), "hello");
    EXPECT_EQ(message.at("fds"), nlohmann::json::array({"seccompFd"}));
    EXPECT_EQ(message.at("state").at("id"), bundle.id);
    EXPECT_EQ(message.at("state").at("status"), "running");
    EXPECT_EQ(message.at("state").at("pid"), started.pid);
    EXPECT_GT(message.at("pid"), started.pid);
    bundle.runtime().remove(bundle.id, true);
    Bundle::wait(started.pid);
}

TEST(FilterListener, IsNeeded) {
    if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
    Bundle bundle({"true"});
    auto& seccomp = bundle.spec.linux->seccomp.value();
    seccomp.syscalls.push_back({.names = {"acct"}, .action = "SCMP_ACT_NOTIFY"});
    EXPECT_THROW(bundle.run(), Error);
    seccomp.syscalls.back().names = {"sendmsg"};
    EXPECT_THROW(bundle.run(), Error);
    seccomp.syscalls.pop_back();
    seccomp.default_action = "SCMP_ACT_NOTIFY";
    EXPECT_THROW(bundle.run(), Error);
}

}  // namespace
}  // namespace brig::runtime
