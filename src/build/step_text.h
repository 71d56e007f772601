// Small texts that instructions are made of: commands, ports, signals.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile.h"

namespace brig::build {

/// CMD and ENTRYPOINT: the JSON words, or the shell with the text.
std::vector<std::string> command_words(const Instruction& instruction,
                                       std::vector<std::string> shell);
/// `["sh" "-c" "a b"]`, as docker's history shows lists.
std::string json_list(const std::vector<std::string>& words);
/// "80", "80/udp", "8000-8002" → {"8000/tcp", …}. Throws Error{invalid_argument}.
std::set<std::string> parse_exposed(std::string_view text);
/// "SIGTERM", "TERM", "15", "RTMIN+3".
bool is_signal(std::string_view text);

}  // namespace brig::build
