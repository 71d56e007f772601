// What the engine needs set in the host's own configuration to work there from boot on, as `brig
// system setup` writes it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace brig::os {

struct SetupFile {
    enum class Form {
        assignments,  ///< NAME="VALUE", one a line
        pf_anchors,   ///< pf.conf(5): `settings` are keyword and anchor, in the order of its
                      ///< sections
    };
    std::string path;
    Form form = Form::assignments;
    std::vector<std::pair<std::string, std::string>> settings;
    std::string afterwards;  ///< what makes a change take effect
};

/// Nothing where the kernel has all of it, as on Linux. `anchor`: of the engine's firewall rules.
std::vector<SetupFile> host_setup(const std::string& anchor);

}  // namespace brig::os
