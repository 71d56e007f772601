// See log_file.h.
#include "runtime/cli/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/time.h"

namespace brig::runtime {
namespace {

struct Target {
    std::string path;   ///< empty: standard error
    bool plain = true;  ///< for people: no time, no level
    bool json = false;
    pid_t owner = 0;
};

Target& target() {
    static Target instance;
    return instance;
}

std::string format_line(log::Level level, std::string_view message) {
    constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
    const std::string_view name = names.at(static_cast<std::size_t>(level));
    if (target().plain) {
        const bool error = level == log::Level::error;
        return fmt::format("brig-runtime: {}{}{}\n", error ? "" : name, error ? "" : ": ", message);
    }
    const std::string time = format_rfc3339(now());
    if (!target().json) return fmt::format("time={:?} level={} msg={:?}\n", time, name, message);
    using nlohmann::json;
    return json{{"level", name}, {"msg", message}, {"time", time}}.dump(
               -1, ' ', false, json::error_handler_t::replace) +
           "\n";
}

/// The file is opened for each line, and by the program itself alone: its children go on in other
/// trees, where the path may mean something else, with other descriptors under the same numbers.
void write_line(log::Level level, std::string_view message) {
    const std::string line = format_line(level, message);
    Fd file;
    if (!target().path.empty()) {
        if (::getpid() != target().owner) return;
        file = Fd(::open(target().path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    }
    // A log that cannot be written has nowhere to complain.
    [[maybe_unused]] const ssize_t n =
        ::write(file ? file.get() : STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void log_to(const std::optional<std::string>& path, const std::optional<std::string>& format,
            bool debug) {
    if (format && *format != "text" && *format != "json" && !format->empty()) {
        throw Error(ErrorKind::invalid_argument, "invalid log-format {:?}: want text or json",
                    *format);
    }
    if (path && !path->empty()) {
        target().path = std::filesystem::absolute(*path).string();
        open_file(target().path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    }
    target().plain = !debug && target().path.empty() && !format;
    target().json = format == "json";
    target().owner = ::getpid();
    if (debug) log::set_level(log::Level::debug);
    log::set_writer(write_line);
}

void report_failure(std::string_view message) {
    write_line(log::Level::error, message);
    if (target().path.empty()) return;
    const std::string line = fmt::format("brig-runtime: {}\n", message);
    [[maybe_unused]] const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace brig::runtime
