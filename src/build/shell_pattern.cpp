#include "build/shell_pattern.h"

#include <algorithm>
#include <utility>

namespace brig::build {

ShellPattern::ShellPattern(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        switch (text[at]) {
            case '*': elements_.push_back({Element::Kind::run}); break;
            case '?': elements_.push_back({Element::Kind::one}); break;
            case '\\':
                if (at + 1 < text.size()) ++at;
                [[fallthrough]];
            default: elements_.push_back({Element::Kind::literal, text[at]});
        }
    }
}

std::vector<bool> ShellPattern::prefixes(std::string_view value) const {
    std::vector<bool> reached(value.size() + 1);
    reached[0] = true;
    for (const auto& element : elements_) {
        std::vector<bool> next(value.size() + 1);
        if (element.kind == Element::Kind::run) {
            const auto first = std::find(reached.begin(), reached.end(), true);
            std::fill(next.begin() + (first - reached.begin()), next.end(), true);
        } else {
            for (std::size_t at = 0; at < value.size(); ++at) {
                next[at + 1] =
                    reached[at] && (element.kind == Element::Kind::one || value[at] == element.c);
            }
        }
        reached = std::move(next);
    }
    return reached;
}

std::string ShellPattern::without_prefix(std::string_view value, bool longest) const {
    const auto ends = prefixes(value);
    std::size_t cut = 0;
    bool found = false;
    for (std::size_t at = 0; at < ends.size() && (longest || !found); ++at) {
        if (ends[at]) {
            cut = at;
            found = true;
        }
    }
    return std::string(value.substr(cut));
}

std::string ShellPattern::without_suffix(std::string_view value, bool longest) const {
    for (std::size_t step = 0; step <= value.size(); ++step) {
        const std::size_t start = longest ? step : value.size() - step;
        if (matches(value.substr(start))) return std::string(value.substr(0, start));
    }
    return std::string(value);
}

std::string ShellPattern::replace(std::string_view value, std::string_view by, bool all) const {
    std::string result;
    while (true) {
        const auto ends = prefixes(value);
        const auto longest = static_cast<std::size_t>(
            std::find(ends.rbegin(), ends.rend(), true).base() - ends.begin());
        // `longest` is one past the index of the last true; 0: none; 1: the empty prefix.
        if (longest > 1) {
            result += by;
            value.remove_prefix(longest - 1);
            if (!all) break;
        }
        if (value.empty()) break;
        if (longest <= 1) {
            result += value.front();
            value.remove_prefix(1);
        }
    }
    return result.append(value);
}

}  // namespace brig::build
