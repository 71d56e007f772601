// See env_file.h.
#include "cli/env_file.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "base/file.h"
#include "base/strings.h"
#include "cli/flags.h"

namespace brig::cli {
namespace {

std::string read_named(const std::string& path) {
    try {
        return read_file(path);
    } catch (const SysError& error) {
        throw Error(error.kind(), "open {}: {}", path,
                    to_lower(std::strerror(error.error_number())));
    }
}

/// The lines that say something, without leading blanks, comments and a byte order mark.
std::vector<std::string> meaningful_lines(const std::string& path) {
    std::string text = read_named(path);
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    std::vector<std::string> lines;
    for (auto& line : split(text, '\n')) {
        if (line.ends_with('\r')) line.pop_back();
        const auto start = line.find_first_not_of(" \t\v\f");
        if (start == std::string::npos || line[start] == '#') continue;
        lines.push_back(line.substr(start));
    }
    return lines;
}

void check_name(const std::string& path, const std::string& name, const std::string& line) {
    if (name.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid env file ({}): no variable name on line '{}'", path, line);
    }
    if (name.find_first_of(" \t\v\f") != std::string::npos) {
        throw Error(ErrorKind::invalid_argument,
                    "invalid env file ({}): variable '{}' contains whitespaces", path, name);
    }
}

}  // namespace

std::vector<std::string> read_env_file(const std::string& path) {
    std::vector<std::string> variables;
    for (const auto& line : meaningful_lines(path)) {
        const auto [name, value] = split_once(line, '=');
        check_name(path, name, line);
        if (value) {
            variables.push_back(line);
        } else if (const char* own = std::getenv(name.c_str())) {
            variables.push_back(name + "=" + own);
        }
    }
    return variables;
}

std::vector<std::string> read_label_file(const std::string& path) {
    auto lines = meaningful_lines(path);
    for (const auto& line : lines) check_name(path, split_once(line, '=').first, line);
    return lines;
}

std::string resolve_env(const std::string& text) {
    const auto [name, value] = split_once(text, '=');
    if (name.empty()) throw BadValue("invalid environment variable: " + text);
    const char* own = value ? nullptr : std::getenv(name.c_str());
    return own == nullptr ? text : name + "=" + own;
}

}  // namespace brig::cli
