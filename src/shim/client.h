// The engine's side of brig-shim: plain calls that start, feed and end tasks in the supervisor
// process, which outlives the engine. Protobuf and ttrpc stay behind this header.
//
// What survives what:
// - brigd dies: nothing happens to containers; the next brigd connects, list()s, and every exit it
//   has not yet remove()d is delivered again by subscribe().
// - brig-shim is killed: containers go on running while their stdio is gone (writers get SIGPIPE).
//   The next call starts a new shim, which adopts what the runtime's state names: containers whose
//   init died in between are reported as exited with status 137 (the real status is lost unless
//   it had been recorded); those still running can be signalled, waited for (status 137 at their
//   end, being no children of the new shim), exec'd into, stopped and removed, but not attached.
//   Execs that ran are forgotten.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "runtime/runtime.h"
#include "shim/types.h"

namespace brig::shim {

struct ExecStarted {
    int pid = 0;
    Fd stream;  ///< as attach(); empty when no attachment was asked for
};

using TaskStats = runtime::Stats;

/// Called on the client's own thread; must not call the Client and must not throw.
struct Callbacks {
    /// The process has ended, its output is in the log and on its way to attached clients. May
    /// come before start() returned, and again after a reconnection until the exit is remove()d.
    std::function<void(const TaskExit&)> on_exit;
    /// The event connection broke; the client reconnects (starting a shim if needed) by itself.
    std::function<void()> on_disconnect;
    /// The connection is back; all exits not yet removed are delivered after this.
    std::function<void()> on_reconnect;
};

/// Thread-safe; calls block. Every call throws Error: not_found (no such task or exec),
/// already_exists, failed_precondition (wrong state), unavailable (the shim went away meanwhile),
/// or the runtime's own failure with its kind: a command not found in the container is not_found,
/// one that cannot be executed is permission_denied.
class Client {
public:
    struct Options {
        std::filesystem::path run_dir;       ///< shim.sock, shim.lock, shim.log, tasks/
        std::filesystem::path shim_program;  ///< absolute, or found in PATH
    };

    /// Connects to the shim of `run_dir`, starting one when none answers. It is a daemon of its
    /// own session and no child of ours. Any number of processes may race to start it.
    static std::unique_ptr<Client> connect(Options options);
    virtual ~Client() = default;

    /// Delivers events from now on, and first the exits of all tasks that ended and were not
    /// removed. Once per client.
    virtual void subscribe(Callbacks callbacks) = 0;

    /// Makes the container; its init waits for start(). Returns init's pid.
    virtual int create(const TaskSpec& spec) = 0;
    /// Starts the container's init, or a created exec. Returns its pid.
    virtual int start(const std::string& id, const std::string& exec_id = {}) = 0;
    /// create() and start() in one round trip; nothing is left behind when either fails.
    virtual int launch(const TaskSpec& spec) = 0;

    /// Registers an exec, to be attached to and started by start(id, exec_id).
    virtual void exec(const ExecSpec& spec) = 0;
    /// Registers, attaches and starts in one round trip; nothing is left behind when it fails.
    virtual ExecStarted exec_start(const ExecSpec& spec,
                                   const std::optional<AttachOptions>& attach) = 0;

    /// A connected unix socket in docker's hijack format: raw for a terminal, 8-byte-header frames
    /// otherwise. Reading it yields output to EOF after the last byte; writing it feeds stdin;
    /// shutdown(SHUT_WR) ends stdin where stdin_once; closing it detaches. Works before start and,
    /// for a task (no exec), even before create: then it waits for a create() of that id. Output
    /// made before the attachment is in the log only. A client that does not read stops the
    /// container's output once the buffers are full, as with docker.
    virtual Fd attach(const std::string& id, const std::string& exec_id,
                      const AttachOptions& options) = 0;

    /// `all`: every process of the container.
    virtual void kill(const std::string& id, const std::string& exec_id, int signal, bool all) = 0;
    virtual void resize(const std::string& id, const std::string& exec_id, ConsoleSize size) = 0;
    virtual void close_stdin(const std::string& id, const std::string& exec_id) = 0;
    virtual void pause(const std::string& id) = 0;
    virtual void resume(const std::string& id) = 0;
    /// `resources_json`: an OCI `linux.resources` object with what is to change.
    virtual void update(const std::string& id, const std::string& resources_json) = 0;

    /// Blocks until the process has ended (at once if it has).
    virtual TaskExit wait(const std::string& id, const std::string& exec_id = {}) = 0;
    /// Takes down a stopped or never started process (failed_precondition while it runs) with all
    /// that the runtime made for it, and forgets its exit. The bundle directory is the caller's.
    virtual TaskExit remove(const std::string& id, const std::string& exec_id = {}) = 0;

    virtual TaskState state(const std::string& id, const std::string& exec_id = {}) = 0;
    virtual std::vector<TaskState> list() = 0;
    virtual std::vector<int> pids(const std::string& id) = 0;
    virtual TaskStats stats(const std::string& id) = 0;

    virtual int shim_pid() = 0;
    /// Ends the shim if it has no task; false when it has.
    virtual bool shutdown() = 0;
};

}  // namespace brig::shim
