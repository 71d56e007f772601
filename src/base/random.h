// Identifiers from the kernel's random source.
#pragma once

#include <cstddef>
#include <string>

namespace brig {

/// `bytes` random bytes in lower-case hex: 32 for container, network and exec identifiers.
std::string random_hex(std::size_t bytes);

}  // namespace brig
