// The numbers of a new user namespace, written for it by who made it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "os/sandbox.h"

namespace brig::os {

/// "0 1000 1" lines, as /proc/PID/uid_map wants them.
std::string id_map_text(const std::vector<IdMapping>& mappings);

/// Writes both maps of the process's user namespace. A caller without the right to map what is not
/// its own has newuidmap(1) and newgidmap(1) do it, which ask /etc/subuid and /etc/subgid. Throws.
void write_id_maps(pid_t pid, const std::vector<IdMapping>& users,
                   const std::vector<IdMapping>& groups);

/// Gives pipes of our own root's to a user of the namespace that `process` is in, where only we
/// can: programs reopen /dev/stdout by path.
void give_stdio(StdioFds stdio, pid_t process, std::uint32_t user);

}  // namespace brig::os
