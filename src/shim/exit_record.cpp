// See exit_record.h. One line: "PID STATUS OOM NANOSECONDS".
#include "shim/exit_record.h"

#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::shim {
namespace fs = std::filesystem;

void save_exit(const fs::path& bundle, const TaskExit& exit) {
    const auto text = fmt::format("{} {} {} {}\n", exit.pid, exit.status, exit.oom_killed ? 1 : 0,
                                  exit.at.time_since_epoch().count());
    write_file_atomic(bundle / "exit", text, 0600, Durability::rebuildable);
}

std::optional<TaskExit> load_exit(const fs::path& bundle, const std::string& id) {
    std::string text;
    try {
        text = read_file(bundle / "exit", 256);
    } catch (const Error&) {
        return std::nullopt;
    }
    const auto fields = split(trim(text), ' ');
    if (fields.size() != 4) return std::nullopt;
    const auto pid = parse_int<int>(fields[0]);
    const auto status = parse_int<int>(fields[1]);
    const auto at = parse_int<std::int64_t>(fields[3]);
    if (!pid || !status || !at) return std::nullopt;
    return TaskExit{
        id, {}, *pid, *status, Instant(std::chrono::nanoseconds(*at)), fields[2] == "1"};
}

void remove_exit(const fs::path& bundle) { ::unlink((bundle / "exit").c_str()); }

}  // namespace brig::shim
