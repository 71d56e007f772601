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

/// Throws Error{invalid_argument} for a name that is no capability at all; leaves out those the
/// running kernel does not have.
CapabilityMasks capability_masks(const Capabilities& sets);

/// Takes everything but `mask` out of the bounding set. Needs CAP_SETPCAP.
void limit_bounding_set(std::uint64_t mask);
/// Sets the effective set to what is permitted (after a change of uid emptied it).
void raise_permitted();
void set_capabilities(const CapabilityMasks& masks);

}  // namespace brig::os
