// See help.h.
#include "cli/help.h"

#include <algorithm>

#include "base/strings.h"
#include "cli/output.h"

namespace brig::cli {
namespace {

constexpr std::size_t widest_page = 100;

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines(1);
    for (const auto& word : split(text, ' ')) {
        if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
            lines.emplace_back();
        if (!lines.back().empty()) lines.back() += ' ';
        lines.back() += word;
    }
    return lines;
}

std::string flag_names(const Flag& flag) {
    std::string names = flag.short_name != 0 ? fmt::format("  -{}, ", flag.short_name) : "      ";
    names += "--" + flag.long_name;
    if (!flag.type.empty()) names += " " + flag.type;
    return names;
}

std::string flag_section(std::string_view title, const Flags& flags) {
    std::vector<const Flag*> shown;
    for (const auto& flag : flags.declared()) {
        if (!flag.hidden) shown.push_back(&flag);
    }
    if (shown.empty()) return {};
    std::ranges::sort(shown, {}, [](const Flag* flag) { return flag->long_name; });
    std::size_t column = 0;
    for (const Flag* flag : shown) column = std::max(column, flag_names(*flag).size());
    column += 3;
    const std::size_t page =
        std::min<std::size_t>(widest_page, static_cast<std::size_t>(terminal_width()));
    const std::size_t width = page > column + 24 ? page - column : 24;
    std::string out = fmt::format("\n{}:\n", title);
    for (const Flag* flag : shown) {
        std::string help = flag->help;
        if (!flag->shown_default.empty()) help += fmt::format(" (default {})", flag->shown_default);
        std::string lead = flag_names(*flag);
        for (const auto& line : wrap(help, width)) {
            out += fmt::format("{:<{}}{}\n", lead, column, line);
            lead.clear();
        }
    }
    return out;
}

/// Name and summary of every command whose name begins with `prefix` and has no further word.
std::string command_section(std::string_view title, std::string_view prefix) {
    std::vector<std::pair<std::string, std::string_view>> rows;
    for (const auto& command : commands()) {
        for (const auto& name : split(command.names, '|')) {
            if (!name.starts_with(prefix)) continue;
            const std::string last = name.substr(prefix.size());
            if (last.find(' ') != std::string::npos) continue;
            rows.emplace_back(last, command.summary);
            if (!prefix.empty()) break;  // further names are aliases
        }
    }
    std::string out = fmt::format("\n{}:\n", title);
    for (const auto& [name, summary] : rows) out += fmt::format("  {:<11} {}\n", name, summary);
    return out;
}

}  // namespace

std::string usage_line(const Command& command, std::string_view called_as) {
    std::string line = fmt::format("Usage:  brig {}", called_as);
    if (!command.usage.empty()) line += fmt::format(" {}", command.usage);
    return line;
}

std::string command_help(const Command& command, std::string_view called_as, const Flags& flags) {
    std::string out = fmt::format("{}\n\n{}\n", usage_line(command, called_as), command.summary);
    const auto names = split(command.names, '|');
    if (names.size() > 1) out += "\nAliases:\n  brig " + join(names, ", brig ") + "\n";
    return out + flag_section("Options", flags);
}

std::string group_help(const Group& group) {
    return fmt::format(
        "Usage:  brig {0} COMMAND\n\n{1}\n{2}\nRun 'brig {0} COMMAND --help' for more information "
        "on a command.\n",
        group.name, group.summary, command_section("Commands", std::string(group.name) + " "));
}

std::string program_help(const Flags& global_flags) {
    std::string out =
        "Usage:  brig [OPTIONS] COMMAND\n\nContainers, natively on Linux and FreeBSD\n";
    out += "\nManagement Commands:\n";
    for (const auto& group : groups())
        out += fmt::format("  {:<11} {}\n", group.name, group.summary);
    out += command_section("Commands", "");
    out += flag_section("Global Options", global_flags);
    out += "\nRun 'brig COMMAND --help' for more information on a command.\n";
    return out;
}

}  // namespace brig::cli
