// Signals as users write them: "TERM", "SIGTERM", "15", "RTMIN+3".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brig::engine {

/// Throws invalid_argument "Invalid signal: X".
int parse_signal(std::string_view text);

}  // namespace brig::engine
