// What names an image by its ID alone.
#pragma once

#include <string_view>

#include "oci/reference.h"

namespace brig::oci {

/// True for text that is no image's name ("sha256:" and hex digits, or 64 of these), so that no
/// registry can be asked for it. A few hex digits may be either.
inline bool is_id_alone(std::string_view text) {
    return looks_like_id(text) && (text.starts_with("sha256:") || text.size() == 64);
}

}  // namespace brig::oci
