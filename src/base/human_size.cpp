// See human_size.h.
#include "base/human_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace brig {

std::string human_size(double bytes, int digits) {
    constexpr std::array<std::string_view, 8> units{"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < units.size(); ++unit) bytes /= 1000;
    return fmt::format("{:.{}g}{}", bytes, digits, units.at(unit));
}

std::string progress_bar(std::uint64_t current, std::uint64_t total) {
    constexpr double width = 50;
    const auto part =
        static_cast<double>(current) / static_cast<double>(std::max<std::uint64_t>(total, 1));
    const auto filled = static_cast<std::size_t>(std::clamp(part * width, 0.0, width));
    return fmt::format("[{}>{}] {:>8}/{}", std::string(filled, '='),
                       std::string(static_cast<std::size_t>(width) - filled, ' '),
                       human_size(static_cast<double>(current)),
                       human_size(static_cast<double>(total)));
}

}  // namespace brig
