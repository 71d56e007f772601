// What `brig version` says of itself.
#pragma once

#include <string_view>

#include "base/build_version.h"

namespace brig {

inline constexpr std::string_view version = BRIG_VERSION;
inline constexpr std::string_view git_commit = BRIG_GIT_COMMIT;
/// Versions of the Docker Engine API that brigd speaks.
inline constexpr std::string_view api_version = "1.51";
inline constexpr std::string_view min_api_version = "1.40";

}  // namespace brig
