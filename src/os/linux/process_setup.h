// What a process is given between fork and exec: identity, limits, capabilities, filter, program.
// The same for a container's first process and for later ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "os/linux/capabilities.h"
#include "os/linux/labels.h"
#include "os/linux/scheduling.h"
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
    void use_initial_processors() const { scheduling_.use_initial_processors(); }
    void use_final_processors() const { scheduling_.use_final_processors(); }
    /// For what mandatory access control is told at the end; needs a /proc that is not the
    /// container's to change.
    void open_labels() { labels_ = ExecLabels(process_); }
    /// CVE-2024-21626: the working directory must be inside the container's root.
    void enter_working_directory() const;
    /// Groups, gid, uid, umask; permitted capabilities are kept for lock_down().
    void change_identity() const;
    /// Where the program is, looked for with the process's own rights. Throws not_found or
    /// permission_denied in docker's words.
    void find_program();
    /// Labels, filter and capabilities, in the order they allow each other.
    void lock_down(const SandboxCallbacks& callbacks, pid_t host_pid) const;
    /// Throws when the program cannot be executed.
    [[noreturn]] void execute(int preserved) const;
    /// The program's, complete after find_program().
    [[nodiscard]] const std::vector<std::string>& environment() const { return environment_; }

private:
    void own_stdio() const;
    void install_filter(const SandboxCallbacks& callbacks, pid_t host_pid) const;

    const ProcessSpec& process_;
    const SyscallFilter& filter_;
    Scheduling scheduling_;
    ExecLabels labels_;
    std::optional<CapabilityMasks> capabilities_;
    std::string program_;
    std::vector<std::string> environment_;
};

}  // namespace brig::os
