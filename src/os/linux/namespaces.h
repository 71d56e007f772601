// Names of namespaces and what the kernel calls them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

struct NamespacePlan {
    std::uint64_t create = 0;                       ///< CLONE_NEW* for clone3
    std::vector<std::pair<int, std::string>> join;  ///< but for the pid namespace
    std::string join_pid;                           ///< path, or empty
    bool new_cgroup = false;  ///< made by the child, once it is in its control group
    [[nodiscard]] bool has(std::uint64_t flag) const;
};

/// Throws for unknown or repeated types and for what is not implemented.
NamespacePlan plan_namespaces(const LinuxSettings& settings);

/// "pid,network": the namespaces that differ from the host's; and the CLONE_NEW* flags of that.
std::string own_namespaces(const LinuxSettings& settings);
std::uint64_t namespace_flags(std::string_view list);

}  // namespace brig::os
