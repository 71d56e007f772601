// Which device nodes a container may use: an eBPF program on version 2, files on version 1.
#pragma once

#include <string>
#include <vector>

#include "os/resources.h"

namespace brig::os {

/// The rules, with the harmless nodes every container gets at the end.
std::vector<DeviceRule> with_harmless_devices(std::vector<DeviceRule> rules);

/// Attaches to the version 2 group open as `directory`; replaces what was attached before.
void attach_device_rules(int directory, const std::vector<DeviceRule>& rules);
void write_device_rules_v1(const std::string& directory, const std::vector<DeviceRule>& rules);

}  // namespace brig::os
