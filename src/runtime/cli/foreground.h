// Waiting for a container's process from a terminal or a script: its input, output, signals and
// exit status become ours.
#pragma once

#include "runtime/runtime.h"

namespace brig::runtime {

/// Relays the terminal (if any) and signals until the process ends; returns its exit status, 128
/// + n for a signal. Reaps whatever else ends meanwhile.
int stay_in_foreground(Started process);

}  // namespace brig::runtime
