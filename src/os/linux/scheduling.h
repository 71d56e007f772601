// When and where a process runs: scheduler, I/O priority, processors, memory nodes, personality.
#pragma once

#include <sched.h>

#include <optional>
#include <string>

#include "os/linux/memory_policy.h"
#include "os/sandbox_spec.h"

namespace brig::os {

/// The settings of one process in the kernel's numbers. Everything is looked up in the constructor,
/// so that an unknown word is refused before anything is made.
class Scheduling {
public:
    /// Throws Error{invalid_argument} naming the setting.
    explicit Scheduling(const ProcessSpec& process);
    /// For the calling process. Throws SysError.
    void apply() const;

    /// execCPUAffinity: before and after the process joins its container's control groups.
    void use_initial_processors() const;
    void use_final_processors() const;
    /// All that its control groups have: what our caller was bound to is no setting of the
    /// container's.
    static void use_all_processors();

private:
    std::optional<Scheduler> scheduler_;
    unsigned policy_ = 0;
    std::uint64_t flags_ = 0;
    std::optional<int> io_priority_;
    std::optional<cpu_set_t> initial_, final_;
    std::optional<NumaPolicy> memory_policy_;
};

/// "LINUX32": what uname(2) says the machine is. Empty: unchanged.
void set_personality(const std::string& domain);

}  // namespace brig::os
