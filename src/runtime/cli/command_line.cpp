// See command_line.h. What is the same for all commands: global options, help, errors, exit codes.
#include "runtime/cli/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/version.h"
#include "os/process.h"
#include "runtime/cli/command.h"
#include "runtime/cli/help.h"
#include "runtime/cli/log_file.h"

namespace brig::runtime {
namespace {

constexpr std::array global_options{
    Option{"debug", "", "", "log what is done"},
    Option{"log", "", "FILE", "append the log to this file instead of standard error"},
    Option{"log-format", "", "FORMAT", "text (default) or json"},
    Option{"root", "", "DIRECTORY", "where the state of containers is kept"},
    Option{"systemd-cgroup", "", "", "cgroupsPath has systemd's form slice:prefix:name"},
    Option{"rootless", "", "WHEN", "accepted for runc's sake: found out by itself"},
    Option{"criu", "", "PATH", "accepted for runc's sake: checkpoints are not supported"},
    Option{"version", "v", "", "print the version"}};

constexpr std::array commands{
    &checkpoint_command, &create_command, &delete_command, &events_command, &exec_command,
    &features_command,   &kill_command,   &list_command,   &pause_command,  &ps_command,
    &restore_command,    &resume_command, &run_command,    &spec_command,   &start_command,
    &state_command,      &update_command};

const Command& find_command(std::string_view name) {
    const auto found =
        std::ranges::find_if(commands, [&](const Command* c) { return c->name == name; });
    if (found == commands.end()) {
        throw Error(ErrorKind::invalid_argument, "No help topic for '{}': unknown command {:?}",
                    name, name);
    }
    return **found;
}

void check_words(const Command& command, const Arguments& arguments) {
    const std::size_t count = arguments.words().size();
    if (count >= command.words.least && count <= command.words.most) return;
    throw Error(ErrorKind::invalid_argument,
                "{} wants {}, got {} words; see brig-runtime {} --help", command.name,
                command.usage.empty() ? "no words" : command.usage, count, command.name);
}

int run(const Command& command, const Arguments& globals, std::span<const std::string> words) {
    const Arguments arguments(words, command.options, command.placement);
    if (arguments.has("help")) {
        print(command_help(command));
        return 0;
    }
    check_words(command, arguments);
    const std::string root = globals.value("root").value_or(default_state_root().string());
    Runtime runtime(root);
    Context context{runtime, root, globals.has("root"), globals.has("systemd-cgroup")};
    log::debug("{}: {}", command.name, join({words.begin(), words.end()}, " "));
    return command.run(context, arguments);
}

int dispatch(const Arguments& globals, char** argv) {
    if (globals.has("version")) {
        print(
            fmt::format("brig-runtime version {}\ncommit: {}\nspec: 1.3.0\n", version, git_commit));
        return 0;
    }
    std::span<const std::string> words = globals.words();
    const bool asks_help = globals.has("help") || (!words.empty() && words.front() == "help");
    if (words.empty() || (asks_help && words.size() < 2)) {
        print(program_help(commands, global_options));
        return words.empty() && !asks_help ? 1 : 0;
    }
    if (asks_help) {
        print(command_help(find_command(words[words.front() == "help" ? 1 : 0])));
        return 0;
    }
    const Command& command = find_command(words.front());
    if (command.makes_processes) os::protect_own_program(argv);
    log_to(globals.value("log"), globals.value("log-format"), globals.has("debug"));
    try {
        return run(command, globals, words.subspan(1));
    } catch (const Error& e) {
        report_failure(e.message());
    } catch (const std::exception& e) {
        report_failure(e.what());
    }
    return command.failure;
}

}  // namespace

void print(std::string_view text) { write_all(STDOUT_FILENO, text); }

int command_line(int argc, char** argv) {
    ::signal(SIGPIPE, SIG_IGN);
    try {
        const std::vector<std::string> words(argv + 1, argv + argc);
        return dispatch(Arguments(words, global_options, Placement::before_words), argv);
    } catch (const std::exception& e) {
        report_failure(e.what());
        return 1;
    }
}

}  // namespace brig::runtime
