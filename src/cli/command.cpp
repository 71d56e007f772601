// See command.h.
#include "cli/command.h"

#include <algorithm>

#include "base/strings.h"
#include "cli/help.h"
#include "cli/output.h"

namespace brig::cli {

const Command* find_command(std::string_view name) {
    const auto has_name = [name](const Command& command) {
        std::string_view rest = command.names;
        for (;;) {
            const auto bar = rest.find('|');
            if (rest.substr(0, bar) == name) return true;
            if (bar == std::string_view::npos) return false;
            rest.remove_prefix(bar + 1);
        }
    };
    const auto all = commands();
    const auto it = std::ranges::find_if(all, has_name);
    return it == all.end() ? nullptr : &*it;
}

const Group* find_group(std::string_view name) {
    const auto all = groups();
    const auto it = std::ranges::find(all, name, &Group::name);
    return it == all.end() ? nullptr : &*it;
}

std::vector<std::string> Invocation::parse() {
    std::vector<std::string> positionals;
    try {
        positionals = flags.parse(arguments_, command_.ends_flags);
    } catch (const Error& error) {
        throw UsageError(125, error.message());
    }
    if (flags.help_requested()) {
        print(command_help(command_, called_as_, flags));
        throw HelpShown{};
    }
    check_count(positionals.size());
    return positionals;
}

void Invocation::check_count(std::size_t count) const {
    const auto min = static_cast<std::size_t>(command_.min_arguments);
    const bool bounded = command_.max_arguments >= 0;
    const auto max = static_cast<std::size_t>(command_.max_arguments);
    if (count >= min && (!bounded || count <= max)) return;
    const auto plural = [](std::size_t n) { return n == 1 ? "argument" : "arguments"; };
    std::string want;
    if (bounded && max == 0) {
        want = "accepts no arguments";
    } else if (bounded && min == max) {
        want = fmt::format("requires {} {}", min, plural(min));
    } else if (count < min) {
        want = fmt::format("requires at least {} {}", min, plural(min));
    } else {
        want = fmt::format("requires at most {} {}", max, plural(max));
    }
    throw UsageError(1, fmt::format("brig: '{}' {}", title(), want));
}

int for_each_name(const std::vector<std::string>& names,
                  const std::function<void(const std::string&)>& each) {
    int code = 0;
    for (const auto& name : names) {
        try {
            each(name);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::unavailable) throw;
            print_error(error.message());
            code = 1;
        }
    }
    return code;
}

}  // namespace brig::cli
