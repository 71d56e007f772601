// Sizes and durations as docker prints them (its go-units library).
#pragma once

#include <cstdint>
#include <string>

#include "base/human_size.h"

namespace brig::cli {

/// Powers of 1024: "11.77MiB".
std::string binary_size(double bytes);
/// "Less than a second", "About a minute", "3 days", …
std::string human_duration(std::int64_t seconds);

}  // namespace brig::cli
