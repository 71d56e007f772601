// Limits and counters as version 2 has them.
#pragma once

#include <string>

#include "os/resources.h"

namespace brig::os {

/// Makes the group, with all `controllers` there are enabled on the way if asked for; one that is
/// there already is fine.
void make_group_v2(const std::string& mount, const std::string& path, bool controllers);
/// What is set in `resources`, but for devices.
void apply_v2(const std::string& directory, const Resources& resources);
/// Adds what the group's files say to `usage`.
void read_usage_v2(const std::string& directory, Usage& usage);
/// Whether `resources` asks for more than grouping and devices.
bool has_limits(const Resources& resources);

}  // namespace brig::os
