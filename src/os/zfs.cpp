// See zfs.h.
#include "os/zfs.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/defer.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/strings.h"

namespace brig::os {
namespace {

constexpr std::size_t max_output = 16U << 20U;

pid_t start(const std::vector<std::string>& arguments, int output) {
    posix_spawn_file_actions_t actions;
    if (const int error = ::posix_spawn_file_actions_init(&actions); error != 0)
        throw SysError(error, "start zfs");
    const Defer release([&] { ::posix_spawn_file_actions_destroy(&actions); });
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, 1);
    ::posix_spawn_file_actions_adddup2(&actions, output, 2);
    std::vector<std::string> words{"zfs"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string path = "PATH=/sbin:/usr/sbin:/usr/local/sbin:/bin:/usr/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 3> environment{path.data(), locale.data(), nullptr};
    for (const char* program : {"/sbin/zfs", "/usr/sbin/zfs", "/usr/local/sbin/zfs"}) {
        pid_t pid = -1;
        const int error =
            ::posix_spawn(&pid, program, &actions, nullptr, argv.data(), environment.data());
        if (error == 0) return pid;
        if (error != ENOENT) throw SysError(error, fmt::format("start {}", program));
    }
    throw Error(ErrorKind::not_implemented, "the zfs program is not installed here");
}

}  // namespace

std::string run_zfs(const std::vector<std::string>& arguments) {
    auto [reader, writer] = make_pipe();
    const pid_t pid = start(arguments, writer.get());
    writer.reset();
    const Defer reap([pid] {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    });
    const auto output = read_to_end(reader.get(), max_output);
    siginfo_t info{};
    // Looked at without reaping, which happens above in any case.
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0) {
        if (errno != EINTR) throw SysError("wait for zfs");
    }
    if (info.si_code != CLD_EXITED || info.si_status != 0) {
        const auto said = join(split(trim(output), '\n'), " ");  // one line, as errors are
        throw Error(ErrorKind::internal, "zfs {}: {}", join(arguments, " "), said);
    }
    return output;
}

std::string zfs_dataset_of(const std::string& path) {
    try {
        return std::string(trim(run_zfs({"list", "-H", "-o", "name", path})));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_implemented) throw;
        throw Error(
            ErrorKind::failed_precondition,
            "{} is not on ZFS ({}); make a dataset for it, or choose another storage driver", path,
            error.message());
    }
}

}  // namespace brig::os
