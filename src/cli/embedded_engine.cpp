// An engine without any setting up: brigd as a background process that ends by itself when idle.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "cli/session.h"

extern char** environ;

namespace brig::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 15s;
constexpr auto poll_interval = 2ms;

/// Beside our own executable, as a build tree and an installation have it; else from PATH.
std::string engine_program() {
    std::error_code ignored;
    const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
    if (!self.empty()) {
        const fs::path beside = self.parent_path() / "brigd";
        if (::access(beside.c_str(), X_OK) == 0) return beside.string();
    }
    return "brigd";
}

struct SpawnPlan {
    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
    SpawnPlan() {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawnattr_init(&attributes);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
};

pid_t spawn_detached(const std::vector<std::string>& command, const fs::path& log) {
    SpawnPlan plan;
    ::posix_spawn_file_actions_addopen(&plan.actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&plan.actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&plan.actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    // A session of its own, and the signal state of a fresh process: the terminal's Ctrl-C is ours.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&plan.attributes, &none);
    ::posix_spawnattr_setsigdefault(&plan.attributes, &all);
    ::posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> argv;
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int failure = ::posix_spawnp(&pid, argv[0], &plan.actions, &plan.attributes, argv.data(), environ);
    if (failure != 0) throw SysError(failure, "start " + command.front());
    return pid;
}

std::string last_line(const fs::path& log) {
    try {
        std::string text = read_file(log);
        while (text.ends_with('\n')) text.pop_back();
        return text.substr(text.rfind('\n') + 1);
    } catch (const Error&) {
        return {};
    }
}

std::vector<std::string> engine_command(const SessionOptions& options) {
    std::vector<std::string> command{engine_program(), "--idle-exit", "300"};
    if (!options.run.empty()) command.insert(command.end(), {"--run", fs::absolute(options.run).string()});
    if (!options.root.empty()) command.insert(command.end(), {"--root", fs::absolute(options.root).string()});
    return command;
}

}  // namespace

void start_embedded_engine(const SessionOptions& options, const client::Endpoint& endpoint) {
    const fs::path run = fs::path(endpoint.path).parent_path();
    make_directories(run, 0755);
    const fs::path log = run / "brigd.log";
    const pid_t pid = spawn_detached(engine_command(options), log);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    bool exited = false;
    while (!client::answers(endpoint)) {
        // Another brig may have been faster: then our engine ends at once and theirs answers soon.
        int status = 0;
        if (!exited && ::waitpid(pid, &status, WNOHANG) == pid) exited = true;
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= 0s || (exited && left < patience - 2s)) {
            throw Error(ErrorKind::unavailable, "cannot start an engine (brigd): {}; see {}", last_line(log),
                        log.string());
        }
        std::this_thread::sleep_for(poll_interval);
    }
    std::fprintf(stderr, "brig: started an engine (brigd) on %s; it stops by itself when idle\n",
                 endpoint.str().c_str());
}

}  // namespace brig::cli
