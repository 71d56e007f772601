// Which control group hierarchies a container may see.
#pragma once

#include <string>
#include <vector>

namespace brig::os {

/// Seen from inside a cgroup namespace, the container's own group is the root of each.
struct CgroupView {
    std::vector<std::string> v1;  ///< hierarchies it is a member of: "memory", "cpu,cpuacct"
    bool v2 = false;
};

}  // namespace brig::os
