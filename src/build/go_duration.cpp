#include "build/go_duration.h"

#include <cstdint>
#include <utility>

namespace brig::build {
namespace {

/// "12", "1.5", ".5" at the front of `text`. By hand: libc++ has no from_chars for doubles.
std::optional<double> take_number(std::string_view& text) {
    double number = 0;
    double place = 0;  // 0 before the point
    bool digits = false;
    while (!text.empty()) {
        const char c = text.front();
        if (c == '.' && place == 0) {
            place = 1;
        } else if (c >= '0' && c <= '9') {
            digits = true;
            if (place == 0) {
                number = number * 10 + (c - '0');
            } else {
                number += (c - '0') * (place /= 10);
            }
        } else {
            break;
        }
        text.remove_prefix(1);
    }
    return digits ? std::optional(number) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
    constexpr std::pair<std::string_view, double> units[] = {
        {"ns", 1},  {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"ms", 1e6},
        {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "0") return std::chrono::nanoseconds(0);
    if (text.empty()) return std::nullopt;
    double total = 0;
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number) return std::nullopt;
        double scale = 0;
        for (const auto& [name, factor] : units) {
            // "m" must not take the front of "ms".
            if (text.starts_with(name) && !(name == "m" && text.starts_with("ms"))) {
                scale = factor;
                text.remove_prefix(name.size());
                break;
            }
        }
        if (scale == 0) return std::nullopt;
        total += *number * scale;
    }
    if (total > 9e18) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

}  // namespace brig::build
