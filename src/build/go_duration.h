// Go's durations, as HEALTHCHECK takes them.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace brig::build {

/// "1m30s", "1.5h", "300ms", "0". Nothing when malformed or out of range.
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

}  // namespace brig::build
