// What a process of a container looks up from inside, with its own rights, before it executes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace brig::os {

/// Where the program is: `name` itself if it has a slash, else by PATH. Throws Error{not_found} or
/// {permission_denied} in docker's words.
std::string find_program(const std::string& name, const std::vector<std::string>& environment);

/// HOME from the container's passwd file where it is missing; each variable once.
void complete_environment(std::vector<std::string>& environment, std::uint32_t uid);

}  // namespace brig::os
