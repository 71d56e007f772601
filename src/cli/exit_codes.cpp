// See exit_codes.h.
#include "cli/exit_codes.h"

#include <algorithm>
#include <array>

namespace brig::cli {

int start_failure_code(std::string_view message) {
    constexpr std::array not_found{std::string_view("executable file not found"),
                                   std::string_view("no such file or directory"),
                                   std::string_view("system cannot find the file specified")};
    constexpr std::array not_executable{std::string_view("permission denied"),
                                        std::string_view("is a directory"),
                                        std::string_view("exec format error")};
    const auto says = [message](std::string_view words) {
        return std::ranges::search(message, words, [](char a, char b) {
                   return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b;
               }).begin() != message.end();
    };
    if (std::ranges::any_of(not_found, says)) return 127;
    if (std::ranges::any_of(not_executable, says)) return 126;
    return 125;
}

}  // namespace brig::cli
