// Waiting for a container's process from a terminal or a script: its input, output, signals and
// exit status become ours.
#pragma once

#include "runtime/runtime.h"

namespace brig::runtime {

/// Relays the terminal (if any) and signals until the process ends; returns its exit status, 128
/// + n for a signal. Reaps whatever else ends meanwhile.
int stay_in_foreground(Started process);

/// Sends a terminal's master to whoever listens on the unix socket at `path` (runc's
/// --console-socket).
void send_console(const std::string& path, const Fd& console);

}  // namespace brig::runtime
