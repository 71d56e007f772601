// Limits and counters as version 2 has them.
#pragma once

#include <string>

#include "os/resources.h"

namespace brig::os {

/// Makes the group, with all `controllers` there are enabled on the way if asked for; one that is
/// there already is fine. Whether it was made.
bool make_group_v2(const std::string& mount, const std::string& path, bool controllers);
/// pids.max for linux.resources.pids.limit, where 0 is a limit too: the first process is there.
std::string pids_max(std::int64_t limit);
/// What is set in `resources`, but for devices.
void apply_v2(const std::string& directory, const Resources& resources);
/// Files of version 2 by name; `directory` is empty where there is no version 2.
void apply_unified(const std::string& directory, const std::map<std::string, std::string>& files);
/// The same file in both versions.
void apply_rdma(const std::string& directory, const std::map<std::string, RdmaLimit>& limits);
/// Adds what the group's files say to `usage`.
std::uint64_t oom_kills_v2(const std::string& directory);
void read_usage_v2(const std::string& directory, Usage& usage);

}  // namespace brig::os
