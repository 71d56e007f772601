// See hooks.h.
#include "runtime/hooks.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::runtime {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

struct Channels {
    int input, output;
};

pid_t spawn(const oci::Hook& hook, const std::vector<std::string>& environment, Channels to) {
    std::vector<std::string> args = hook.args;
    if (args.empty()) args.push_back(hook.path);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, to.input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, to.output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, to.output, STDERR_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, hook.path.c_str(), &actions, &attributes,
                                    pointers(args).data(), pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) throw SysError(error, "run hook " + hook.path);
    return pid;
}

int wait_for(pid_t pid, const oci::Hook& hook) {
    using clock = std::chrono::steady_clock;
    const auto deadline = clock::now() + std::chrono::seconds(hook.timeout.value_or(0));
    for (;;) {
        int status = 0;
        const pid_t got = ::waitpid(pid, &status, hook.timeout ? WNOHANG : 0);
        if (got == pid) return status;
        if (got < 0 && errno != EINTR) throw SysError("wait for hook {}", hook.path);
        if (!hook.timeout) continue;
        if (clock::now() >= deadline) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, &status, 0);
            throw Error(ErrorKind::internal, "hook {} took longer than {} s", hook.path,
                        *hook.timeout);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

/// What a hook that failed said: the end of it.
std::string said(int output) {
    constexpr off_t most = 2000;
    const off_t size = ::lseek(output, 0, SEEK_END);
    std::string text(static_cast<std::size_t>(std::clamp<off_t>(size, 0, most)), '\0');
    const ssize_t n = ::pread(output, text.data(), text.size(), std::max<off_t>(size - most, 0));
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    const auto end = text.find_last_not_of('\n');
    return end == std::string::npos ? "" : ": " + text.substr(0, end + 1);
}

void run_hook(const oci::Hook& hook, const HookCall& call) {
    // A file, which does not fill up and has no end that a background process could keep us from.
    const Fd output(::memfd_create("hook", MFD_CLOEXEC));
    if (!output) throw SysError("make a file for the output of hook {}", hook.path);
    // A socket: a hook that does not read must not end us by SIGPIPE, and the state fits.
    FdPair channel = make_socket_pair();
    const pid_t pid = spawn(hook, hook.env.empty() ? call.environment : hook.env,
                            {channel.second.get(), output.get()});
    channel.second.reset();
    // One that does not read it is no failure.
    [[maybe_unused]] const ssize_t n =
        ::send(channel.first.get(), call.state.data(), call.state.size(), MSG_NOSIGNAL);
    channel.first.reset();
    const int status = wait_for(pid, hook);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    const std::string how = WIFEXITED(status) ? fmt::format("exit status {}", WEXITSTATUS(status))
                                              : to_lower(::strsignal(WTERMSIG(status)));
    throw Error(ErrorKind::internal, "hook {} failed: {}{}", hook.path, how, said(output.get()));
}

}  // namespace

void run_hooks(const HookCall& call) {
    for (std::size_t i = 0; i < call.hooks.size(); ++i) {
        try {
            run_hook(call.hooks.at(i), call);
        } catch (const Error& e) {
            throw e.within(fmt::format("error running {} hook #{}", call.name, i));
        }
    }
}

void run_hooks_leniently(const HookCall& call) {
    for (std::size_t i = 0; i < call.hooks.size(); ++i) {
        try {
            run_hook(call.hooks.at(i), call);
        } catch (const Error& e) {
            log::warn("error running {} hook #{}: {}", call.name, i, e.message());
        }
    }
}

}  // namespace brig::runtime
