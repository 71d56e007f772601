// Signals as people write them.
#pragma once

#include <string>

namespace brig::runtime {

/// "9", "KILL", "sigkill". Throws Error{invalid_argument}.
int signal_number(const std::string& text);

}  // namespace brig::runtime
