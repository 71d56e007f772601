// A mount as data, in fstab's words; every layer that describes mounts to another uses it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace brig {

/// A range of user or group numbers inside, and the range of the host's it stands for.
struct IdMapping {
    std::uint32_t container_id = 0, host_id = 0, size = 0;

    bool operator==(const IdMapping&) const = default;
};

struct Mount {
    std::string type;  ///< "overlay", "bind", "nullfs", "tmpfs", …
    std::string source;
    std::string target;  ///< absolute inside the container; empty where the context gives it
    std::vector<std::string> options;
    /// Whose files they are on this mount alone (Linux, options "idmap" and "ridmap").
    std::vector<IdMapping> uid_mappings, gid_mappings;

    bool operator==(const Mount&) const = default;
};

}  // namespace brig
