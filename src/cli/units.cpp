// See units.h.
#include "cli/units.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace brig::cli {

std::string binary_size(double bytes) {
    constexpr std::array<std::string_view, 8> units{"B",   "KiB", "MiB", "GiB",
                                                    "TiB", "PiB", "EiB", "ZiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
    return fmt::format("{:.4g}{}", bytes, units.at(unit));
}

std::string human_duration(std::int64_t seconds) {
    constexpr std::int64_t hour = 3600;
    constexpr std::int64_t day_hours = 24;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return fmt::format("{} seconds", seconds);
    if (seconds < 120) return "About a minute";
    if (seconds < hour) return fmt::format("{} minutes", seconds / 60);
    const std::int64_t hours = (seconds + hour / 2) / hour;
    if (hours == 1) return "About an hour";
    if (hours < 2 * day_hours) return fmt::format("{} hours", hours);
    if (hours < 14 * day_hours) return fmt::format("{} days", hours / day_hours);
    if (hours < 60 * day_hours) return fmt::format("{} weeks", hours / day_hours / 7);
    if (hours < 730 * day_hours) return fmt::format("{} months", hours / day_hours / 30);
    return fmt::format("{} years", seconds / (day_hours * hour) / 365);
}

}  // namespace brig::cli
