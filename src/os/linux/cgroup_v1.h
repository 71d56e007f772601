// Limits and counters as version 1 has them, one hierarchy per controller. Moving a process into
// a version 1 group makes the kernel wait for a grace period (5 to 10 ms), so that a container
// joins only the hierarchies it needs.
#pragma once

#include <set>
#include <string>

#include "os/linux/cgroup_layout.h"
#include "os/resources.h"

namespace brig::os {

/// The controllers that `resources` needs on this host, as hierarchy names. `track`: there is no
/// version 2, so freezing, killing and device rules need version 1 too.
std::set<std::string> needed_hierarchies(const Resources& resources, bool track);
/// Directory of `path` in a hierarchy.
std::string v1_directory(const std::string& hierarchy, const std::string& path);
void make_group_v1(const std::string& hierarchy, const std::string& path);
/// Limits of the controllers of the hierarchies given.
void apply_v1(const std::string& path, const Resources& resources);
std::uint64_t oom_kills_v1(const std::set<std::string>& hierarchies, const std::string& path);
void read_usage_v1(const std::set<std::string>& hierarchies, const std::string& path, Usage& usage);

}  // namespace brig::os
