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
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/mount_spec.h"
#include "base/time.h"

namespace brig::shim {

/// A json-file log as docker writes it. An empty path is no log.
struct LogOptions {
    std::filesystem::path path;
    std::uint64_t max_size = 0;  ///< rotate when a file has reached it; 0: never
    int max_files = 1;           ///< files kept, the live one included; 1: the file is truncated
};

struct ConsoleSize {
    std::uint16_t width = 0;  ///< 0: the kernel's default
    std::uint16_t height = 0;
};

struct TaskSpec {
    std::string id;
    std::filesystem::path bundle;  ///< config.json is there; on a file system lost at reboot
    std::vector<Mount> rootfs;     ///< mounted over root.path in the container's mount namespace
    bool terminal = false;
    bool open_stdin = false;       ///< false: /dev/null
    bool stdin_once = false;       ///< the end of the first attached client's input is the end of stdin
    ConsoleSize console;
    LogOptions log;
};

struct ExecSpec {
    std::string id;
    std::string exec_id;
    std::string process_json;  ///< an OCI `process` object
    bool terminal = false;
    bool open_stdin = false;
    bool stdin_once = true;    ///< as in TaskSpec
    ConsoleSize console;
};

struct AttachOptions {
    bool in = true;
    bool out = true;
    bool err = true;
    /// Bytes that, typed in sequence, end this attachment (docker's ctrl-p ctrl-q is "\x10\x11");
    /// empty: none.
    std::string detach_keys;
};

struct ExecStarted {
    int pid = 0;
    Fd stream;  ///< as attach(); empty when no attachment was asked for
};

enum class TaskStatus { created, running, paused, stopped };

struct TaskExit {
    std::string id;
    std::string exec_id;  ///< empty: the container's main process
    int pid = 0;
    int status = 0;       ///< 0..255; 128 + signal number
    Instant at;
    bool oom_killed = false;
};

struct TaskState {
    std::string id;
    std::string exec_id;
    std::filesystem::path bundle;
    int pid = 0;  ///< 0 before start of an exec
    TaskStatus status = TaskStatus::created;
    std::optional<TaskExit> exit;  ///< when stopped
};

struct TaskStats {
    Instant read;
    std::uint64_t cpu_total_ns = 0, cpu_user_ns = 0, cpu_system_ns = 0;
    std::uint64_t throttled_periods = 0, throttling_periods = 0, throttled_ns = 0;
    std::uint64_t memory_usage = 0, memory_max_usage = 0, memory_limit = 0;  ///< limit 0: none
    std::uint64_t memory_inactive_file = 0;  ///< docker shows usage less this
    std::uint64_t oom_kills = 0;
    std::uint64_t pids = 0, pids_limit = 0;  ///< limit 0: none
    std::uint64_t block_read_bytes = 0, block_write_bytes = 0;
};

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
