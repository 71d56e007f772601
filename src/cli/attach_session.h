// What run, attach, start -a and exec share: calls about one container, and its stdio.
#pragma once

#include <string>

#include "cli/stream.h"
#include "client/client.h"

namespace brig::cli {

struct AttachWish {
    std::string container;  ///< name or ID
    bool tty = false;
    bool in = false;
    bool out = true;
    bool err = true;
    bool proxy_signals = true;  ///< only without a terminal
    std::string detach_keys;    ///< --detach-keys; empty: the default ones
};

std::string container_path(std::string_view container, std::string_view what);
/// POST /containers/ID/attach, not awaited.
client::Exchange begin_attach(client::Client& engine, const AttachWish& wish, bool logs = false);
/// POST /containers/ID/wait, not awaited; condition: "next-exit", "removed", "not-running".
client::Exchange begin_wait(client::Client& engine, const std::string& container,
                            std::string_view condition);
/// The exit code that the engine answered. Throws Error for a failure in waiting.
int exit_code_of(client::Exchange& wait);
/// Resizes and signals of `wish` go to its container.
StreamPlan plan_for(client::Client& engine, const AttachWish& wish);

}  // namespace brig::cli
