// Pieces of make_spec() that have files of their own.
#pragma once

#include <string>
#include <vector>

#include "engine/spec.h"

namespace brig::engine {

constexpr std::string_view init_path = "/sbin/docker-init";
bool has_init(const Record& record);

/// A mount point as the runtime mounts it.
brig::Mount runtime_mount(const MountPoint& point);

/// Adjusts the default mounts to the options and adds the container's own, outer before inner.
void set_mounts(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs);

/// Throws invalid_argument unless the kernel keeps the setting per container.
void check_sysctl(const std::string& name, const Record& record);

}  // namespace brig::engine
