// Groups that systemd keeps (`--systemd-cgroup`): a scope of its own for every container, delegated
// to us, made by systemd's own client busctl(1).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "os/resources.h"

namespace brig::os {

/// Throws where no systemd runs, in the words of runc, and for a cgroupsPath that is not
/// "slice:prefix:name".
void check_systemd(const std::string& cgroups_path);

/// "a-b.slice" → "/a.slice/a-b.slice": where systemd has a slice's group.
std::string slice_path(const std::string& slice);

/// The command that asks systemd to put process `pid` into the new scope `path`.
std::vector<std::string> scope_call(const std::string& path, pid_t pid, const Resources& resources);

/// What `resources` sets of the scope `path`, so that systemd does not set it back.
void update_scope(const std::string& path, const Resources& resources);

/// Ends the scope `path`, whose processes are gone, and returns when systemd has forgotten it.
/// Idempotent.
void stop_scope(const std::string& path);

/// A scope that nothing of the container's is in yet. systemd wants a process to make one of: it
/// ends with this.
class SystemdScope {
public:
    /// `path` as cgroup_path() has it: "/SLICE…/NAME.scope".
    SystemdScope(const std::string& path, const Resources& resources);
    ~SystemdScope();
    SystemdScope(SystemdScope&&) noexcept = default;
    SystemdScope& operator=(SystemdScope&&) noexcept = default;

private:
    void end() const;
    pid_t pid_ = 0;
    Fd process_;
};

}  // namespace brig::os
