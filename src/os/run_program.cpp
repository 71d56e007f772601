// See run_program.h.
#include "os/run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

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

struct Stdio {
    int in, out, err;  ///< err: -1 for our own
};

pid_t start(const ProgramCall& call, const Stdio& stdio) {
    const std::string what = "run " + call.words.front();
    posix_spawn_file_actions_t actions;
    if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0)
        throw SysError(error, what);
    const Defer release([&] { ::posix_spawn_file_actions_destroy(&actions); });
    ::posix_spawn_file_actions_adddup2(&actions, stdio.in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, stdio.out, STDOUT_FILENO);
    if (stdio.err >= 0) ::posix_spawn_file_actions_adddup2(&actions, stdio.err, STDERR_FILENO);
    const auto argv = pointers(call.words);
    std::vector<char*> environment;
    if (call.environment) environment = pointers(*call.environment);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(),
                                     call.environment ? environment.data() : environ);
    if (error != 0) throw SysError(error, what);
    return pid;
}

/// A file, which does not fill up as a pipe does while nobody reads it.
Fd memory_file(std::string_view content = {}) {
    Fd file(::memfd_create("program", MFD_CLOEXEC));
    if (!file) throw SysError("make a file in memory");
    write_all(file.get(), content);
    if (::lseek(file.get(), 0, SEEK_SET) < 0) throw SysError("rewind a file in memory");
    return file;
}

std::string end_of(int file) {
    constexpr off_t most = 16 * 1024;
    const off_t size = std::max<off_t>(::lseek(file, 0, SEEK_END), 0);
    if (::lseek(file, std::max<off_t>(size - most, 0), SEEK_SET) < 0) return {};
    return read_to_end(file, most);
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
    const Fd input =
        call.input.empty() ? open_file("/dev/null", O_RDONLY) : memory_file(call.input);
    const Fd messages = call.keep_messages ? memory_file() : Fd();
    auto [reader, writer] = make_pipe();
    const pid_t pid =
        start(call, {input.get(), writer.get(), call.keep_messages ? messages.get() : -1});
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
    if (call.keep_messages) out.messages = end_of(messages.get());
    return out;
}

}  // namespace brig::os
