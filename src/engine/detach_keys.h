// "ctrl-p,ctrl-q" as the bytes a terminal sends.
#pragma once

#include <string>
#include <string_view>

namespace brig::engine {

/// Empty text is docker's default; throws invalid_argument for what is no key.
std::string parse_detach_keys(std::string_view text);

}  // namespace brig::engine
