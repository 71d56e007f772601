// Capability sets by name, as the five masks the kernel keeps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

struct CapabilityMasks {
    std::uint64_t bounding = 0, effective = 0, inheritable = 0, permitted = 0, ambient = 0;
};

/// Leaves out what is no capability or cannot be given, with a warning where the caller can do
/// something about it (config.md, "process.capabilities").
CapabilityMasks capability_masks(const Capabilities& sets);

/// Takes everything but `mask` out of the bounding set. Needs CAP_SETPCAP.
void limit_bounding_set(std::uint64_t mask);
/// Sets the effective set to what is permitted (after a change of uid emptied it).
void raise_permitted();
/// Those of `mask` that are permitted, and no others.
void make_effective(std::uint64_t mask);
void set_capabilities(const CapabilityMasks& masks);

}  // namespace brig::os
