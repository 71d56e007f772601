// An engine without any setting up: brigd as a background process that ends by itself when idle.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/fd.h"
#include "base/file.h"
#include "cli/session.h"
#include "os/places.h"

namespace brig::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto patience = 15s;
constexpr auto poll_interval = 2ms;

/// What the child does between fork and exec: a session of its own (the terminal's Ctrl-C is not
/// for it) and the signals and descriptors of a fresh process.
[[noreturn]] void become_engine(char* const* argv, int nothing, int log) {
    ::setsid();
    for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH})
        ::signal(signal, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execvp(argv[0], argv);
    const std::string failure =
        std::string("cannot execute ") + argv[0] + ": " + std::strerror(errno) + "\n";
    if (::write(log, failure.data(), failure.size()) < 0) ::_exit(126);
    ::_exit(127);
}

pid_t start_in_background(const std::vector<std::string>& command, const fs::path& log) {
    const Fd nothing = open_file("/dev/null", O_RDWR);
    const Fd log_file = open_file(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    std::vector<char*> argv;
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid < 0) throw SysError("fork");
    if (pid == 0) become_engine(argv.data(), nothing.get(), log_file.get());
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
    if (!options.run.empty())
        command.insert(command.end(), {"--run", fs::absolute(options.run).string()});
    if (!options.root.empty())
        command.insert(command.end(), {"--root", fs::absolute(options.root).string()});
    return command;
}

}  // namespace

std::string engine_program() {
    const fs::path self = os::own_program();
    if (!self.empty()) {
        const fs::path beside = self.parent_path() / "brigd";
        if (::access(beside.c_str(), X_OK) == 0) return beside.string();
    }
    return "brigd";
}

void start_embedded_engine(const SessionOptions& options, const client::Endpoint& endpoint) {
    const fs::path run = fs::path(endpoint.path).parent_path();
    make_directories(run, 0755);
    const fs::path log = run / "brigd.log";
    const pid_t pid = start_in_background(engine_command(options), log);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    bool exited = false;
    while (!client::answers(endpoint)) {
        // Another brig may have been faster: then our engine ends at once and theirs answers soon.
        int status = 0;
        if (!exited && ::waitpid(pid, &status, WNOHANG) == pid) exited = true;
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= 0s || (exited && left < patience - 2s)) {
            throw Error(ErrorKind::unavailable, "cannot start an engine (brigd): {}; see {}",
                        last_line(log), log.string());
        }
        std::this_thread::sleep_for(poll_interval);
    }
    std::fprintf(stderr, "brig: started an engine (brigd) on %s; it stops by itself when idle\n",
                 endpoint.str().c_str());
}

}  // namespace brig::cli
