// The brig-shim process: one per run directory, in the background, until it is told to end while
// it has no task.
#pragma once

#include <filesystem>

namespace brig::shim {

struct DaemonOptions {
    std::filesystem::path run_dir;  ///< gets shim.sock (0600), shim.lock, runtime/
    bool foreground = false;
};

/// Returns the program's exit status: in the background case, that of the starting process once
/// the socket is listened on. Throws Error when there is a shim already or the set-up fails.
int run_daemon(const DaemonOptions& options);

}  // namespace brig::shim
