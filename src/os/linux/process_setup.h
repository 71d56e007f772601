// What a process is given between fork and exec: identity, limits, capabilities, filter, program.
// The same for a container's first process and for later ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/linux/capabilities.h"
#include "os/sandbox.h"

namespace brig::os {

class ProcessSetup {
public:
    /// Validates in the caller, so that most mistakes are reported before anything is made.
    ProcessSetup(const ProcessSpec& process, const SyscallFilter& filter);

    /// Signal dispositions, session, no core dumps of us, no way to trace us (CVE-2016-9962).
    static void detach_from_parent();
    /// Closes all but 0–2, the `preserved` ones after them and `keep`.
    static void close_inherited(std::vector<int> keep, int preserved);
    /// Needs the host's /proc.
    void apply_scores_and_limits() const;
    /// Makes `in`, `out`, `err` 0, 1 and 2; -1 is the null device.
    static void take_stdio(StdioFds stdio);
    static void take_terminal(int slave, const std::optional<ConsoleSize>& size);
    /// CVE-2024-21626: the working directory must be inside the container's root.
    void enter_working_directory() const;
    /// Groups, gid, uid, umask; permitted capabilities are kept for lock_down().
    void change_identity() const;
    /// Where the program is, looked for with the process's own rights. Throws not_found or
    /// permission_denied in docker's words.
    void find_program();
    /// Filter and capabilities, in the order they allow each other.
    void lock_down() const;
    /// Throws when the program cannot be executed.
    [[noreturn]] void execute(int preserved) const;

private:
    void own_stdio() const;

    const ProcessSpec& process_;
    const SyscallFilter& filter_;
    std::optional<CapabilityMasks> capabilities_;
    std::string program_;
    std::vector<std::string> environment_;
};

}  // namespace brig::os
