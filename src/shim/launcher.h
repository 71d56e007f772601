// Finding the shim of a run directory, or starting it.
#pragma once

#include <filesystem>

#include "base/fd.h"

namespace brig::shim {

inline constexpr const char* socket_name = "shim.sock";

/// A connection to the shim of `run_dir`; starts `program` when none answers. Safe against any
/// number of callers at once. Throws Error{unavailable} with where to look when it does not start.
Fd connect_or_start(const std::filesystem::path& run_dir, const std::filesystem::path& program);

}  // namespace brig::shim
