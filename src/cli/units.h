// Sizes and durations as docker prints them (its go-units library).
#pragma once

#include <cstdint>
#include <string>

namespace brig::cli {

/// Powers of 1000, `digits` significant: 12345678 → "12.35MB" with 4, "12.3MB" with 3.
std::string human_size(double bytes, int digits = 4);
/// Powers of 1024: "11.77MiB".
std::string binary_size(double bytes);
/// "Less than a second", "About a minute", "3 days", …
std::string human_duration(std::int64_t seconds);

}  // namespace brig::cli
