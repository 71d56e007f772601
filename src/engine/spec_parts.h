// Pieces of make_spec() that have files of their own.
#pragma once

#include <string>
#include <vector>

#include "engine/spec.h"

namespace brig::engine {

/// Adjusts the default mounts to the options and adds the container's own, outer before inner.
void set_mounts(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs);

/// Throws invalid_argument for an unknown name or soft > hard.
std::vector<oci::Rlimit> make_rlimits(const HostConfig& host);
/// Throws invalid_argument unless the kernel keeps the setting per container.
void check_sysctl(const std::string& name, const Record& record);

}  // namespace brig::engine
