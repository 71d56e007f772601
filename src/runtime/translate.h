// From the runtime specification's document to what the kernel is told.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/mount_spec.h"
#include "oci/runtime_spec.h"
#include "os/sandbox_spec.h"

namespace brig::runtime {

/// Throws Error{invalid_argument} for what is missing or contradicts itself.
os::SandboxSpec sandbox_spec(const std::string& id, const std::filesystem::path& bundle,
                             const oci::RuntimeSpec& spec, const std::vector<brig::Mount>& rootfs);

}  // namespace brig::runtime
