// The OCI's hooks: programs of the host that are told a container's state.
#pragma once

#include <string>
#include <vector>

#include "oci/runtime_spec.h"

namespace brig::runtime {

/// Runs them in order with `state` on standard input and only the environment they ask for
/// (CVE-2024-0132). Throws for the first that fails or takes longer than its timeout.
void run_hooks(const std::vector<oci::Hook>& hooks, const std::string& state);
/// The same, but failures are logged and the rest still runs (poststart, poststop).
void run_hooks_leniently(const std::vector<oci::Hook>& hooks, const std::string& state);

}  // namespace brig::runtime
