// A mount as data, in fstab's words; every layer that describes mounts to another uses it.
#pragma once

#include <string>
#include <vector>

namespace brig {

struct Mount {
    std::string type;  ///< "overlay", "bind", "nullfs", "tmpfs", …
    std::string source;
    std::string target;  ///< absolute inside the container; empty where the context gives it
    std::vector<std::string> options;

    bool operator==(const Mount&) const = default;
};

}  // namespace brig
