// How a container that could not be started becomes docker's exit codes.
#pragma once

#include <string_view>

namespace brig::cli {

/// 127: no such command; 126: a command that cannot be executed; 125: everything else. The engine
/// says which only in words.
int start_failure_code(std::string_view message);

}  // namespace brig::cli
