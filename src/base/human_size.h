// Numbers of bytes as docker shows them to people, in the client and in the API's messages.
#pragma once

#include <cstdint>
#include <string>

namespace brig {

/// Powers of 1000, `digits` significant: 12345678 → "12.35MB" with 4, "12.3MB" with 3.
std::string human_size(double bytes, int digits = 4);
/// "[=====>    ]   1.5MB/3MB".
std::string progress_bar(std::uint64_t current, std::uint64_t total);

}  // namespace brig
