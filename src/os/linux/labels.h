// Labels of mandatory access control that a process takes on with its program: AppArmor's profile
// and SELinux's context.
#pragma once

#include "base/fd.h"
#include "os/sandbox_spec.h"

namespace brig::os {

/// Throws Error{failed_precondition} for a label of a security module that this host does not have:
/// a container must not run unconfined because nobody looked.
void check_labels(const ProcessSpec& process);
void check_mount_label(const std::string& label);

/// The files of procfs that take the labels. CVE-2019-16884, CVE-2025-52881: opened while the
/// host's files are still visible, and checked to be on a real procfs, so that nothing of the
/// container can stand in for them.
class ExecLabels {
public:
    ExecLabels() = default;
    explicit ExecLabels(const ProcessSpec& process);
    void apply(const ProcessSpec& process) const;
    /// Descriptors that must stay open until then; -1 where there is none.
    [[nodiscard]] int apparmor() const { return apparmor_.get(); }
    [[nodiscard]] int selinux() const { return selinux_.get(); }

private:
    Fd apparmor_, selinux_;
};

/// Opens a file of the host's /proc, which must be a procfs. Throws.
Fd open_in_procfs(const std::string& path, int flags);

}  // namespace brig::os
