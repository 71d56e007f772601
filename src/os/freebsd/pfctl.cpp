#include "os/freebsd/pfctl.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/defer.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

namespace brig::os::freebsd_net {
namespace {

constexpr const char* program = "/sbin/pfctl";

pid_t spawn(const std::vector<std::string>& arguments, const std::array<int, 3>& stdio) {
    posix_spawn_file_actions_t actions;
    if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0)
        throw SysError(error, "start pfctl");
    const Defer release([&] { ::posix_spawn_file_actions_destroy(&actions); });
    for (int i = 0; i < 3; ++i) {
        const int error =
            ::posix_spawn_file_actions_adddup2(&actions, stdio.at(static_cast<std::size_t>(i)), i);
        if (error != 0) throw SysError(error, "start pfctl");
    }
    std::vector<std::string> words{"pfctl"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<char*, 1> environment{nullptr};
    pid_t pid = -1;
    const int error =
        ::posix_spawn(&pid, program, &actions, nullptr, argv.data(), environment.data());
    if (error == ENOENT)
        throw Error(ErrorKind::not_implemented, "{} is not there, which published ports need",
                    program);
    if (error != 0) throw SysError(error, fmt::format("start {}", program));
    return pid;
}

/// Feeds `input` while collecting both outputs, so that neither side waits for the other.
void converse(Fd in, const std::string& input, std::array<Fd, 2> outputs,
              std::array<std::string, 2>& collected) {
    std::size_t written = 0;
    while (in || outputs[0] || outputs[1]) {
        std::array<pollfd, 3> waiting{
            {{in.get(), POLLOUT, 0}, {outputs[0].get(), POLLIN, 0}, {outputs[1].get(), POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR)
            throw SysError("wait for pfctl");
        if (waiting[0].revents != 0) {
            const auto size = ::write(in.get(), input.data() + written, input.size() - written);
            if (size > 0) written += static_cast<std::size_t>(size);
            if ((size < 0 && errno != EAGAIN && errno != EINTR) || written == input.size())
                in.reset();
        }
        for (std::size_t i = 0; i < 2; ++i) {
            if (waiting.at(i + 1).revents == 0) continue;
            std::array<std::byte, 4096> buffer;
            const auto size = read_some(outputs.at(i).get(), buffer);
            collected.at(i).append(reinterpret_cast<const char*>(buffer.data()), size);
            if (size == 0) outputs.at(i).reset();
        }
    }
}

}  // namespace

std::string run_pfctl(const std::vector<std::string>& arguments, const std::string& input) {
    auto in = make_pipe();
    auto out = make_pipe();
    auto error = make_pipe();
    const auto pid = spawn(arguments, {in.first.get(), out.second.get(), error.second.get()});
    in.first.reset();
    out.second.reset();
    error.second.reset();
    (void)::fcntl(in.second.get(), F_SETFL, O_NONBLOCK);
    if (input.empty()) in.second.reset();
    std::array<std::string, 2> said;
    converse(std::move(in.second), input, {std::move(out.first), std::move(error.first)}, said);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) throw SysError("wait for pfctl");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw Error(ErrorKind::internal, "pfctl {}: {}", join(arguments, " "), trim(said[1]));
    }
    return said[0];
}

}  // namespace brig::os::freebsd_net
