// The OCI's hooks: programs of the host that are told a container's state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_spec.h"

namespace brig::runtime {

/// The hooks of one of the six moments, which the messages call by its name in config.json.
struct HookCall {
    std::string_view name;
    const std::vector<oci::Hook>& hooks;
    std::string state;  ///< for standard input
    /// For hooks that name no variables; empty, but for those that run inside the container: one of
    /// the host has nothing of the container's environment (CVE-2024-0132).
    std::vector<std::string> environment = {};
};

/// Runs them in order. Throws for the first that fails or takes longer than its timeout, with what
/// it said.
void run_hooks(const HookCall& call);
/// The same, but failures are logged and the rest still runs (poststop).
void run_hooks_leniently(const HookCall& call);

}  // namespace brig::runtime
