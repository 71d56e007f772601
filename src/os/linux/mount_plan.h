// fstab-like options of one mount, sorted by whom the kernel wants them told: the mount, the file
// system or the propagation tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mount_spec.h"

namespace brig::os {

struct MountPlan {
    struct Attributes {
        std::uint64_t set = 0, clear = 0;  ///< MOUNT_ATTR_*
        [[nodiscard]] bool empty() const { return set == 0 && clear == 0; }
    };

    std::string type, source, target;
    bool bind = false;
    bool recursive_bind = false;
    Attributes top;                          ///< for this mount
    Attributes recursive;                    ///< for it and all below ("rro" …)
    std::vector<std::uint64_t> propagation;  ///< MS_PRIVATE …, MS_REC beside it, in order
    /// File system parameters; without a value: a flag.
    std::vector<std::pair<std::string, std::optional<std::string>>> parameters;
    bool idmap = false, recursive_idmap = false;
    bool copy_up = false;  ///< tmpfs: begins with what it covers
};

/// Throws Error{invalid_argument} or {not_implemented} for an option that would silently not be
/// honoured.
MountPlan plan_mount(const brig::Mount& mount);

}  // namespace brig::os
