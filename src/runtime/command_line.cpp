// See command_line.h. What is the same for all commands: global options, errors, exit codes.
#include "runtime/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "os/process.h"
#include "runtime/arguments.h"
#include "runtime/commands.h"

namespace brig::runtime {
using nlohmann::json;
namespace {

void print(const std::string& text) { write_all(STDOUT_FILENO, text); }

struct Command {
    std::string_view name;
    int (*function)(Context&, const Words&);
    bool makes_processes;
};
constexpr std::array commands{
    Command{"create", create_command, true},  Command{"start", start_command, false},
    Command{"state", state_command, false},   Command{"kill", kill_command, false},
    Command{"delete", delete_command, false}, Command{"run", run_command, true},
    Command{"exec", exec_command, true},      Command{"list", list_command, false},
    Command{"ps", ps_command, false},         Command{"pause", pause_command, false},
    Command{"resume", resume_command, false}, Command{"update", update_command, false},
    Command{"spec", spec_command, false},     Command{"features", features_command, false}};

void print_usage() {
    std::string out =
        "usage: brig-runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND "
        "…\ncommands:";
    for (const Command& command : commands) (out += ' ') += command.name;
    print(out + "\n");
}

/// runc's callers read the last line of the log file.
void report(const Arguments* globals, const std::string& message) {
    write_all(STDERR_FILENO, "brig-runtime: " + message + "\n");
    if (globals == nullptr) return;
    const auto path = globals->value("log");
    if (!path) return;
    const std::string time = format_rfc3339(now());
    const std::string line =
        globals->value("log-format") == "json"
            ? json{{"level", "error"}, {"msg", message}, {"time", time}}.dump() + "\n"
            : fmt::format("time=\"{}\" level=error msg={:?}\n", time, message);
    const Fd file(::open(path->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (file) write_all(file.get(), line);
}

/// A shell's codes for a program that cannot be run, 1 for all else, as runc.
int code_of(const Error& error) {
    if (!error.message().starts_with("exec")) return 1;
    if (error.kind() == ErrorKind::not_found) return 127;
    return error.kind() == ErrorKind::permission_denied ? 126 : 1;
}

int dispatch(const Arguments& globals, char** argv) {
    const Words& rest = globals.rest();
    if (globals.has("version")) {
        print(
            fmt::format("brig-runtime version {}\ncommit: {}\nspec: 1.3.0\n", version, git_commit));
        return 0;
    }
    if (rest.empty() || globals.has("help")) {
        print_usage();
        return rest.empty() && !globals.has("help") ? 1 : 0;
    }
    const auto* command =
        std::ranges::find_if(commands, [&](const Command& c) { return c.name == rest.front(); });
    if (command == commands.end())
        throw Error(ErrorKind::invalid_argument, "unknown command {:?}", rest.front());
    if (command->makes_processes) os::protect_own_program(argv);
    if (globals.has("debug")) log::set_level(log::Level::debug);
    Runtime runtime(globals.value("root").value_or(default_state_root().string()));
    Context context{runtime};
    return command->function(context, {rest.begin() + 1, rest.end()});
}

}  // namespace

int command_line(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    std::optional<Arguments> globals;
    try {
        globals.emplace(Words(argv + 1, argv + argc),
                        std::vector<OptionSpec>{{"root", true},
                                                {"log", true},
                                                {"log-format", true},
                                                {"debug", false},
                                                {"systemd-cgroup", false},
                                                {"rootless", true},
                                                {"criu", true},
                                                {"version", false, "v"},
                                                {"help", false, "h"}});
        return dispatch(*globals, argv);
    } catch (const Error& e) {
        report(globals ? &*globals : nullptr, e.message());
        return code_of(e);
    } catch (const std::exception& e) {
        report(globals ? &*globals : nullptr, e.what());
        return 1;
    }
}

}  // namespace brig::runtime
