// See log.h.
#include "base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <string>

#include "base/time.h"

namespace brig::log {
namespace {

std::atomic<Level> threshold{Level::info};

void write_to_stderr(Level level, std::string_view message) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warn", "error"};
    const std::string line = fmt::format("{} {} {}\n", format_rfc3339(now()),
                                         names.at(static_cast<std::size_t>(level)), message);
    // A log that cannot be written has nowhere to complain.
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

std::atomic<Writer> current_writer{write_to_stderr};

}  // namespace

void set_level(Level level) { threshold.store(level, std::memory_order_relaxed); }

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void set_writer(Writer writer) { current_writer.store(writer, std::memory_order_relaxed); }

void write(Level level, std::string_view message) {
    current_writer.load(std::memory_order_relaxed)(level, message);
}

}  // namespace brig::log
