// The words that the engine and the supervisor share: what to run, how it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

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
    bool open_stdin = false;  ///< false: /dev/null
    bool stdin_once = false;  ///< the end of the first attached client's input is the end of stdin
    LogOptions log;
};

struct ExecSpec {
    std::string id;
    std::string exec_id;
    std::string process_json;  ///< an OCI `process` object
    bool terminal = false;
    bool open_stdin = false;
    bool stdin_once = true;  ///< as in TaskSpec
};

struct AttachOptions {
    bool in = true;
    bool out = true;
    bool err = true;
    /// Bytes that, typed in sequence, end this attachment (docker's ctrl-p ctrl-q is "\x10\x11");
    /// empty: none.
    std::string detach_keys;
};

enum class TaskStatus { created, running, paused, stopped };

struct TaskExit {
    std::string id;
    std::string exec_id;  ///< empty: the container's main process
    int pid = 0;
    int status = 0;  ///< 0..255; 128 + signal number
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

}  // namespace brig::shim
