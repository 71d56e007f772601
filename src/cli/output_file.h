// Files that commands are told to write (-o): whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "client/client.h"

namespace brig::cli {

/// Writes what comes to `path`, or to standard output where that is empty. Throws Failure in
/// docker's words, after `failed`, for what is no ordinary file: it would be replaced.
void write_output(client::Exchange& exchange, const std::string& path, std::string_view failed);

}  // namespace brig::cli
