// Names of namespaces and what the kernel calls them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

struct NamespacePlan {
    std::uint64_t create = 0;                       ///< CLONE_NEW* for clone3
    std::vector<std::pair<int, std::string>> join;  ///< but for the pid namespace
    std::string join_pid;                           ///< path, or empty
    std::string join_user;                          ///< the same
    bool new_cgroup = false;  ///< made by the child, once it is in its control group
    bool new_time = false;    ///< made by the child, which sets its clocks first
    [[nodiscard]] bool has(std::uint64_t flag) const;
    /// A user namespace decides who may enter and make the others, so that it takes two processes:
    /// one that enters what exists, and one that is born into what is new.
    [[nodiscard]] bool in_two_steps() const {
        return !join_user.empty() || (has_new_user() && !join.empty());
    }
    [[nodiscard]] bool has_new_user() const;
};

/// Throws for unknown or repeated types and for what is not implemented.
NamespacePlan plan_namespaces(const LinuxSettings& settings);

/// Enters a new time namespace with these clocks. Needs the host's /proc.
void enter_new_time_namespace(const std::map<std::string, TimeOffset>& offsets, bool new_user);

/// "pid,network": the namespaces that differ from the host's; and the CLONE_NEW* flags of that.
std::string own_namespaces(const LinuxSettings& settings);
std::uint64_t namespace_flags(std::string_view list);

}  // namespace brig::os
