// See daemon.h.
#include "shim/daemon.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "os/poller.h"
#include "runtime/runtime.h"
#include "shim/launcher.h"
#include "shim/rpc_server.h"
#include "shim/service.h"
#include "shim/supervisor.h"

namespace brig::shim {
namespace fs = std::filesystem;
namespace {

/// Goes on in a child of its own session; the parent leaves by _exit once the child says it is
/// ready, or with 1 when it dies before. Returns what to write to when ready.
Fd go_to_background() {
    auto [ready, say_ready] = make_pipe();
    const pid_t child = ::fork();
    if (child < 0) throw SysError("fork");
    if (child == 0) {
        ::setsid();
        return std::move(say_ready);
    }
    say_ready.reset();
    std::byte byte{};
    ::_exit(read_some(ready.get(), {&byte, 1}) == 1 ? 0 : 1);
}

/// The lock of the run directory. One that is ending may hold it for a moment longer.
FileLock claim(const fs::path& run_dir) {
    for (int attempt = 0;; ++attempt) {
        try {
            return FileLock::try_acquire(run_dir / "shim.lock");
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::conflict || attempt == 100) throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

Fd listen_at(const fs::path& path) {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) throw SysError("create socket");
    const sockaddr_un address = unix_address(path);
    ::unlink(path.c_str());  // left by one that was killed; we hold the lock
    const mode_t before = ::umask(0177);
    const int bound =
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    if (bound != 0) throw SysError("bind {}", path.string());
    if (::listen(socket.get(), SOMAXCONN) != 0) throw SysError("listen on {}", path.string());
    return socket;
}

/// A container takes about five descriptors.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1U << 20U);
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log::warn("{}", SysError("raise the limit of descriptors").message());
}

}  // namespace

int run_daemon(const DaemonOptions& options) {
    make_directories(options.run_dir, 0755);
    const fs::path run_dir = fs::canonical(options.run_dir);
    Fd say_ready;
    if (!options.foreground) say_ready = go_to_background();

    const FileLock lock = claim(run_dir);
    if (::chdir("/") != 0) throw SysError("change to /");
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    raise_descriptor_limit();

    bool stopping = false;
    os::Poller poller;
    runtime::Runtime runtime(run_dir / "runtime");
    Supervisor supervisor(poller, runtime);
    Service service(supervisor, runtime, [&] { stopping = true; });
    poller.watch_signals({SIGCHLD, SIGTERM, SIGINT}, [&](int signal) {
        if (signal == SIGCHLD) return supervisor.reap_orphans_soon();
        if (supervisor.empty())
            stopping = true;
        else
            log::info("signal {} ignored: there are tasks", signal);
    });
    const fs::path socket = run_dir / socket_name;
    RpcServer server(poller, listen_at(socket),
                     [&](std::string_view method, std::string_view payload, Call call) {
                         service.handle(method, payload, std::move(call));
                     });
    if (say_ready) write_all(say_ready.get(), "r");
    say_ready.reset();

    while (!stopping) {
        try {
            poller.run_once();
        } catch (const std::exception& e) {
            // One task's trouble must not be every container's. What was not delivered comes again.
            log::error("{}", e.what());
        }
    }
    ::unlink(socket.c_str());
    return 0;
}

}  // namespace brig::shim
