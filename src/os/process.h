// A process one can signal and wait for without the pid being reused underneath.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/fd.h"

namespace brig::os {

/// Owns a pidfd (Linux) or a process's identity (FreeBSD). Does not kill on destruction.
class Process {
public:
    /// Throws SysError (not_found when there is no such process).
    static Process open(pid_t pid);
    Process(pid_t pid, Fd fd) : pid_(pid), fd_(std::move(fd)) {}

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Readable when the process has ended.
    [[nodiscard]] const Fd& fd() const { return fd_; }
    [[nodiscard]] Fd release_fd() { return std::move(fd_); }
    /// False when it has ended already. Throws SysError for other failures.
    bool signal(int number) const;
    /// Reaps a child; returns wait(2)'s status, or nothing for a process that is not ours.
    [[nodiscard]] std::optional<int> wait() const;

private:
    pid_t pid_;
    Fd fd_;
};

/// When the process started, in the kernel's clock ticks: with the pid it names a process for
/// ever. Nothing when there is no such process or it is a zombie.
std::optional<std::uint64_t> process_start_time(pid_t pid);

/// Makes this process adopt orphaned descendants (what a supervisor of containers wants).
void become_subreaper();

/// CVE-2019-5736: a container process can reach the program of whoever enters the container
/// through /proc/PID/exe. Continues from a copy of the program that cannot be written (a read-only
/// detached mount of it, or a sealed memory file): executes itself once, and returns at once when
/// that has happened. Call first thing in main() of every program that calls Sandbox functions.
/// FreeBSD: does nothing (a jail's procfs does not lead out).
void protect_own_program(char** argv);

}  // namespace brig::os
