// See strings.h.
#include "base/strings.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace brig {

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> out;
    for (;;) {
        const auto at = text.find(separator);
        out.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) return out;
        text.remove_prefix(at + 1);
    }
}

std::pair<std::string, std::optional<std::string>> split_once(std::string_view text,
                                                              char separator) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string out;
    for (const auto& part : parts) {
        if (&part != &parts.front()) out += separator;
        out += part;
    }
    return out;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string to_lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::optional<bool> parse_bool(std::string_view text) {
    const std::string lower = to_lower(text);
    if (lower == "1" || lower == "t" || lower == "true") return true;
    if (lower == "0" || lower == "f" || lower == "false") return false;
    return std::nullopt;
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
    const std::string number(trim(text));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (end == number.c_str() || !std::isfinite(value) || value < 0) return std::nullopt;
    std::string unit = to_lower(trim(std::string_view(end)));
    if (unit.ends_with('b')) unit.pop_back();
    if (unit.ends_with('i')) unit.pop_back();
    constexpr std::string_view units = "kmgtp";
    double scale = 1;
    if (!unit.empty()) {
        const auto power = units.find(unit);
        if (power == std::string_view::npos || unit.size() != 1) return std::nullopt;
        scale = std::pow(1024.0, static_cast<double>(power + 1));
    }
    const double bytes = value * scale;
    if (bytes >= 9.2e18) return std::nullopt;
    return static_cast<std::int64_t>(bytes);
}

}  // namespace brig
