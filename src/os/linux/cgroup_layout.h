// Where this host's control groups are mounted: version 2 alone, version 1, or both at once.
#pragma once

#include <map>
#include <string>

namespace brig::os {

struct CgroupLayout {
    std::string v2;  ///< mount point of version 2, or empty
    /// Version 1: controller → its hierarchy's directory name ("cpu" → "cpu,cpuacct").
    std::map<std::string, std::string, std::less<>> v1;
    static constexpr const char* top = "/sys/fs/cgroup";

    [[nodiscard]] bool has_v1(std::string_view controller) const { return v1.contains(controller); }
};

/// Looked up once per process.
const CgroupLayout& cgroup_layout();

/// "/brig/ID" from an OCI cgroupsPath, also in systemd's "slice:prefix:name" form. Throws
/// Error{invalid_argument} for one that leads out.
std::string cgroup_path(const std::string& id, const std::string& configured);

}  // namespace brig::os
