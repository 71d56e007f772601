// What --help says, made of the commands' own descriptions.
#pragma once

#include <span>
#include <string>

#include "runtime/cli/command.h"

namespace brig::runtime {

std::string program_help(std::span<const Command* const> commands,
                         std::span<const Option> global_options);
std::string command_help(const Command& command);

}  // namespace brig::runtime
