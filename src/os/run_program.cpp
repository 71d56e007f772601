// See run_program.h.
#include "os/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/defer.h"
#include "base/error.h"
#include "base/fd.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not in FreeBSD's headers

namespace brig::os {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
    out.push_back(nullptr);
    return out;
}

pid_t start(const ProgramCall& call, int output) {
    const std::string what = "run " + call.words.front();
    posix_spawn_file_actions_t actions;
    if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0)
        throw SysError(error, what);
    const Defer release([&] { ::posix_spawn_file_actions_destroy(&actions); });
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (call.errors) ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    const auto argv = pointers(call.words);
    std::vector<char*> environment;
    if (call.environment) environment = pointers(*call.environment);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(),
                                     call.environment ? environment.data() : environ);
    if (error != 0) throw SysError(error, what);
    return pid;
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) throw SysError("wait for a program");
    }
    return status;
}

}  // namespace

ProgramResult run_program(const ProgramCall& call) {
    auto [reader, writer] = make_pipe();
    const pid_t pid = start(call, writer.get());
    writer.reset();
    ProgramResult out;
    try {
        out.output = read_to_end(reader.get(), call.max_output);
    } catch (...) {
        reader.reset();  // it may be writing still, and ends then
        wait_for(pid);
        throw;
    }
    const int status = wait_for(pid);
    out.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return out;
}

}  // namespace brig::os
