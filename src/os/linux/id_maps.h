// The numbers of a new user namespace, written for it by who made it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

/// "0 1000 1" lines, as /proc/PID/uid_map wants them.
std::string id_map_text(const std::vector<IdMapping>& mappings);

/// Writes both maps of the process's user namespace. A caller without the right to map what is not
/// its own has newuidmap(1) and newgidmap(1) do it, which ask /etc/subuid and /etc/subgid. Throws.
void write_id_maps(pid_t pid, const std::vector<IdMapping>& users,
                   const std::vector<IdMapping>& groups);

}  // namespace brig::os
