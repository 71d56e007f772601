// See help.h. The layout is that of runc, whose users' scripts look for it.
#include "runtime/cli/help.h"

#include <fmt/format.h>

namespace brig::runtime {
namespace {

std::string option_lines(std::span<const Option> options) {
    std::string out;
    for (const Option& option : options) {
        std::string names = fmt::format("--{}", option.name);
        if (!option.letter.empty()) names += fmt::format(", -{}", option.letter);
        if (!option.value.empty()) names += fmt::format(" {}", option.value);
        out += fmt::format("   {:<32} {}\n", names, option.help);
    }
    return out + fmt::format("   {:<32} {}\n", "--help, -h", "show this");
}

}  // namespace

std::string program_help(std::span<const Command* const> commands,
                         std::span<const Option> global_options) {
    std::string out =
        "NAME:\n   brig-runtime - Open Container Initiative runtime\n\n"
        "USAGE:\n   brig-runtime [global options] command [command options] [words...]\n\n"
        "COMMANDS:\n";
    for (const Command* command : commands)
        out += fmt::format("   {:<12} {}\n", command->name, command->summary);
    return out + "\nGLOBAL OPTIONS:\n" + option_lines(global_options);
}

std::string command_help(const Command& command) {
    std::string usage = fmt::format("brig-runtime {} [options]", command.name);
    if (!command.usage.empty()) usage += fmt::format(" {}", command.usage);
    return fmt::format("NAME:\n   brig-runtime {} - {}\n\nUSAGE:\n   {}\n\nOPTIONS:\n{}",
                       command.name, command.summary, usage, option_lines(command.options));
}

}  // namespace brig::runtime
