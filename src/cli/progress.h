// The engine's stream of JSON messages (pull, load, build): text as it comes, progress in place.
#pragma once

#include <functional>
#include <string>

#include "cli/json.h"
#include "client/client.h"

namespace brig::cli {

struct ProgressOptions {
    bool to_stderr = false;
    bool quiet = false;
    std::function<void(const Json&)> on_aux;  ///< the "aux" member of a message
};

/// Shows everything until the stream ends. Throws Failure with the code and message of an error
/// that the stream reports.
void show_progress(client::Exchange& exchange, const ProgressOptions& options);

}  // namespace brig::cli
