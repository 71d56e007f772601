// Diagnostics of the daemons: one line per event on stderr, "TIME LEVEL message".
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace brig::log {

enum class Level { debug, info, warn, error };

/// Lines below this level are dropped. Initially `info`. Thread-safe.
void set_level(Level level);
bool enabled(Level level);
/// Writes one line with one write(2), so that lines of several threads never mix.
void write(Level level, std::string_view message);
/// Lines go to `writer` instead of stderr; for a program whose callers want another form. Call
/// before there are threads.
using Writer = void (*)(Level level, std::string_view message);
void set_writer(Writer writer);

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::debug))
        write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace brig::log
