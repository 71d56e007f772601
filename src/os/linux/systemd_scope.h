// Groups that systemd keeps (`--systemd-cgroup`): scopes of its own, delegated to us.
#pragma once

#include <string>

namespace brig::os {

/// Throws where no systemd runs, in the words of runc, and for a cgroupsPath that is not
/// "slice:prefix:name".
void check_systemd(const std::string& cgroups_path);

}  // namespace brig::os
