// The kernel's isolation of one container: namespaces on Linux, a jail on FreeBSD. Made by a child
// of the caller that sets itself up from the inside and then executes the container's program.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "os/child_report.h"
#include "os/limits.h"
#include "os/sandbox_spec.h"

namespace brig::os {

enum class SandboxKind { namespaces, jail };
SandboxKind sandbox_kind();

/// Borrowed descriptors; -1 is /dev/null. Unused with a terminal.
struct StdioFds {
    int in = -1, out = -1, err = -1;
};

/// What finds a running sandbox again from another process; plain text in the state file.
struct SandboxRef {
    std::string id;
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    std::string detail;  ///< Linux: the namespaces it has of its own; FreeBSD: name and mounts
};

/// Called at the moments OCI hooks want. Empty ones cost nothing.
struct SandboxCallbacks {
    /// In the caller, when the namespaces and mounts exist and the root has not changed yet.
    std::function<void(pid_t)> created;
    /// In the child, at the same moment, inside the namespaces (the host's files still visible).
    std::function<void()> inside;
    /// In the child, inside the container, after `await_start` and right before its program, whose
    /// environment it gets.
    std::function<void(const std::vector<std::string>&)> before_start;
    /// In the child when all is set up: calls `ready`, which lets the caller go on, blocks until
    /// the container may start, and returns the connection on which a failure to execute is
    /// reported. Absent: starts at once.
    std::function<Fd(const std::function<void()>& ready)> await_start;
    /// Descriptors `await_start` needs; all others but stdio are closed early in the child.
    std::vector<int> keep;
    int preserve_fds = 0;
    bool plain_newlines = false;  ///< a terminal's output is not given carriage returns
    bool new_keyring = true;      ///< Linux: a session keyring of its own
    /// Linux: connected to who answers a filter's questions (SCMP_ACT_NOTIFY), or -1; and what it
    /// is told with the descriptor, made in the child right before its program.
    int filter_listener = -1;
    std::function<std::string(pid_t)> listener_message;
};

/// A compiled system call filter (Linux), or nothing.
class SyscallFilter {
public:
    SyscallFilter() = default;
    /// Compiles, or takes from `cache_directory` when the same profile was compiled before and
    /// the directory is given. Throws Error{invalid_argument}.
    static SyscallFilter compile(const Seccomp& profile, const std::string& cache_directory);
    /// From what key() said; for entering a container later.
    static SyscallFilter from_cache(const std::string& key, const std::string& cache_directory);
    /// It asks somebody: SandboxCallbacks::filter_listener.
    [[nodiscard]] bool notifies() const;
    /// Empty when there is no filter.
    [[nodiscard]] const std::string& key() const { return key_; }
    [[nodiscard]] bool empty() const { return !program_; }
    struct Program;
    [[nodiscard]] const Program* program() const { return program_.get(); }

private:
    std::string key_;
    std::shared_ptr<const Program> program_;
};

/// A sandbox on its way: the child runs, the caller may do other things meanwhile.
class SandboxStart {
public:
    SandboxStart(SandboxRef ref, Fd process, ChildReport report, SandboxCallbacks callbacks);
    /// Filled in at once, before the child is ready.
    [[nodiscard]] const SandboxRef& ref() const { return ref_; }

    struct Ready {
        Fd process;
        Fd console;  ///< the terminal's master, or empty
    };
    /// Waits until the child waits in await_start (or executes its program, without). Rethrows
    /// what went wrong in the child; the child is then dead and reaped.
    Ready finish();

private:
    SandboxRef ref_;
    Fd process_;
    ChildReport report_;
    SandboxCallbacks callbacks_;
};

/// What create_sandbox() will make, but for the process: to be noted before, so that
/// destroy_sandbox() finds it whatever happens in between.
SandboxRef planned_sandbox(const SandboxSpec& spec);

/// Starts making a sandbox. The child belongs to `limits` from its first instruction on. Throws
/// for settings that contradict each other or that this kernel does not know, naming them.
SandboxStart create_sandbox(const SandboxSpec& spec, Limits& limits, const SyscallFilter& filter,
                            StdioFds stdio, SandboxCallbacks callbacks);

/// Starts a further process in a running sandbox.
SandboxStart enter_sandbox(const SandboxRef& sandbox, const ProcessSpec& process, Limits& limits,
                           const SyscallFilter& filter, StdioFds stdio, SandboxCallbacks callbacks);

/// Undoes what the end of the processes does not: mounts and the jail on FreeBSD; nothing on
/// Linux. Idempotent; the processes are gone already.
void destroy_sandbox(const SandboxRef& sandbox);

}  // namespace brig::os
