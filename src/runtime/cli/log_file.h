// Diagnostics where and how a container engine wants them: it reads the last line of the file it
// named to tell its user why a command failed.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace brig::runtime {

/// Sends what base/log.h writes to `path`, or to standard error, in `format` ("text", "json").
/// Throws Error{invalid_argument} for another format, SysError when the file cannot be opened.
void log_to(const std::optional<std::string>& path, const std::optional<std::string>& format,
            bool debug);

/// The reason a command failed: in the log, and on standard error for people.
void report_failure(std::string_view message);

}  // namespace brig::runtime
