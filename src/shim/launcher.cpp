// See launcher.h.
#include "shim/launcher.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/unix_socket.h"
#include "shim/channel.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not in FreeBSD's headers

namespace brig::shim {
namespace fs = std::filesystem;
namespace {

std::optional<Fd> try_connect(const fs::path& run_dir) {
    try {
        return connect_unix(run_dir / socket_name);
    } catch (const SysError& e) {
        if (e.error_number() == ENOENT || e.error_number() == ECONNREFUSED) return std::nullopt;
        throw;
    }
}

/// The shim goes to the background by itself once it listens; what is waited for here is the
/// process that started it, so that no zombie is left.
int run_to_ready(const fs::path& run_dir, const fs::path& program) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    Defer clean_up([&] {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    });
    const std::string log = (run_dir / "shim.log").string();
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    std::string name = program.string();
    std::string option = "--run";
    std::string directory = fs::absolute(run_dir).string();
    char* const arguments[] = {name.data(), option.data(), directory.data(), nullptr};
    pid_t pid = 0;
    if (const int error =
            ::posix_spawnp(&pid, name.c_str(), &actions, &attributes, arguments, environ)) {
        throw SysError(error, "start " + name);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

Fd connect_or_start(const fs::path& run_dir, const fs::path& program) {
    if (auto socket = try_connect(run_dir)) return std::move(*socket);
    make_directories(run_dir, 0755);
    const FileLock lock = FileLock::acquire(run_dir / "shim.start.lock");
    if (auto socket = try_connect(run_dir)) return std::move(*socket);
    const int status = run_to_ready(run_dir, program);
    if (auto socket = try_connect(run_dir)) return std::move(*socket);
    throw Error(ErrorKind::unavailable, "{} did not start (wait status {}); see {}",
                program.string(), status, (run_dir / "shim.log").string());
}

}  // namespace brig::shim
