// RFC 4648's base64, as HTTP headers carry JSON in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brig {

/// With padding, in the standard alphabet.
std::string base64(std::string_view bytes);
/// Either alphabet, with or without padding; nothing when malformed.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace brig
