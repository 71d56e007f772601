// See hooks.h.
#include "runtime/hooks.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"

namespace brig::runtime {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

pid_t spawn(const oci::Hook& hook, int input) {
    std::vector<std::string> args = hook.args;
    if (args.empty()) args.push_back(hook.path);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, hook.path.c_str(), &actions, &attributes,
                                    pointers(args).data(), pointers(hook.env).data());
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

void run_hook(const oci::Hook& hook, const std::string& state) {
    // A socket: a hook that does not read must not end us by SIGPIPE, and the state fits.
    FdPair channel = make_socket_pair();
    const pid_t pid = spawn(hook, channel.second.get());
    channel.second.reset();
    // One that does not read it is no failure.
    [[maybe_unused]] const ssize_t n =
        ::send(channel.first.get(), state.data(), state.size(), MSG_NOSIGNAL);
    channel.first.reset();
    const int status = wait_for(pid, hook);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    throw Error(ErrorKind::internal, "hook {} failed: {} {}", hook.path,
                WIFEXITED(status) ? "exit status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

}  // namespace

void run_hooks(const std::vector<oci::Hook>& hooks, const std::string& state) {
    for (const oci::Hook& hook : hooks) run_hook(hook, state);
}

void run_hooks_leniently(const std::vector<oci::Hook>& hooks, const std::string& state) {
    for (const oci::Hook& hook : hooks) {
        try {
            run_hook(hook, state);
        } catch (const Error& e) {
            log::warn("{}", e.message());
        }
    }
}

}  // namespace brig::runtime
