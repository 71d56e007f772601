// Standard streams of a process that is about to become a container's.
#pragma once

#include <optional>

#include "os/sandbox.h"

namespace brig::os {

/// Makes `in`, `out`, `err` 0, 1 and 2; -1 is the null device. The originals are closed, but for
/// the `preserved` ones after them.
void take_stdio(StdioFds stdio, int preserved);
/// Makes `slave` all three, and the terminal that controls the session.
void take_terminal(int slave, const std::optional<ConsoleSize>& size);

}  // namespace brig::os
