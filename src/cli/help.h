// What --help prints, laid out as docker's.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace brig::cli {

std::string command_help(const Command& command, std::string_view called_as, const Flags& flags);
std::string group_help(const Group& group);
std::string program_help(const Flags& global_flags);
/// "Usage:  brig run [OPTIONS] IMAGE [COMMAND] [ARG...]"
std::string usage_line(const Command& command, std::string_view called_as);

}  // namespace brig::cli
