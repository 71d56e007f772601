// See system_files.h. Grammar: rc.conf(5), loader.conf(5), pf.conf(5).
#include "cli/system_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace brig::cli {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text) {
    Lines lines = split(text, '\n');
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

std::string joined(const Lines& lines) {
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
}

/// The value that `line` gives `name`, without quotes and comment; nothing when it is about
/// something else.
std::optional<std::string> assigned(std::string_view line, std::string_view name) {
    line = trim(line);
    if (!line.starts_with(name)) return std::nullopt;
    line.remove_prefix(name.size());
    if (!line.starts_with('=')) return std::nullopt;
    line.remove_prefix(1);
    if (!line.empty() && (line.front() == '"' || line.front() == '\'')) {
        const auto end = line.find(line.front(), 1);
        return std::string(line.substr(1, end == std::string_view::npos ? end : end - 1));
    }
    return std::string(trim(line.substr(0, line.find_first_of(" \t#;"))));
}

bool same_value(const std::string& one, const std::string& other) {
    // rc.subr's checkyesno takes any case, and other words for it.
    const auto yes = [](const std::string& value) {
        const auto lower = to_lower(value);
        return lower == "yes" || lower == "true" || lower == "on" || lower == "1";
    };
    return one == other || (yes(one) && yes(other));
}

void assign(Lines& lines, const std::string& name, const std::string& value) {
    const auto line = fmt::format("{}=\"{}\"", name, value);
    for (auto at = lines.rbegin(); at != lines.rend(); ++at) {
        const auto found = assigned(*at, name);
        if (!found) continue;
        if (!same_value(*found, value)) *at = line;
        return;
    }
    lines.push_back(line);
}

enum class Section { other, translation, filter };

Section section_of(std::string_view line) {
    line = trim(line);
    if (line.starts_with("no ")) line = trim(line.substr(3));
    const auto word = line.substr(0, line.find_first_of(" \t\"{"));
    const auto one_of = [&](const auto& words) {
        return std::ranges::find(words, word) != words.end();
    };
    constexpr std::array<std::string_view, 6> translation{
        "nat", "rdr", "binat", "nat-anchor", "rdr-anchor", "binat-anchor"};
    constexpr std::array<std::string_view, 5> filter{"block", "pass", "match", "antispoof",
                                                     "anchor"};
    return one_of(translation) ? Section::translation
           : one_of(filter)    ? Section::filter
                               : Section::other;
}

std::string without_comment(std::string_view line) {
    return std::string(line.substr(0, line.find('#')));
}

struct Rules {
    std::size_t translation_end =
        0;                         ///< the line after the last translation rule; 0: there is none
    std::size_t filter_begin = 0;  ///< the first filter rule's line
};

/// Rules go over several lines by a backslash, or within braces.
Rules find_rules(const Lines& lines) {
    Rules found{0, lines.size()};
    int depth = 0;
    Section section = Section::other;
    bool continued = false;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto line = without_comment(lines[i]);
        if (!continued && depth == 0) section = section_of(line);
        depth += static_cast<int>(std::ranges::count(line, '{') - std::ranges::count(line, '}'));
        continued = std::string_view(trim(lines[i])).ends_with('\\');
        if (section == Section::translation) found.translation_end = i + 1;
        if (section == Section::filter) found.filter_begin = std::min(found.filter_begin, i);
    }
    return found;
}

std::string collapsed(std::string_view line) {
    std::string out;
    for (const auto& word : split(line, ' ')) {
        if (!trim(word).empty()) out += (out.empty() ? "" : " ") + std::string(trim(word));
    }
    return out;
}

}  // namespace

std::string with_assignments(std::string_view text, const Settings& settings) {
    Lines lines = lines_of(text);
    for (const auto& [name, value] : settings) assign(lines, name, value);
    return joined(lines);
}

std::string with_anchors(std::string_view text, const Settings& anchors) {
    Lines lines = lines_of(text);
    Lines translation;
    Lines filter;
    for (const auto& [keyword, name] : anchors) {
        const auto line = fmt::format("{} \"{}\"", keyword, name);
        const auto is_it = [&](const std::string& given) {
            const auto words = collapsed(without_comment(given));
            return words == line || words == fmt::format("{} {}", keyword, name) ||
                   words == line + " all";
        };
        if (std::ranges::any_of(lines, is_it)) continue;
        (keyword == "anchor" ? filter : translation).push_back(line);
    }
    const auto rules = find_rules(lines);
    lines.insert(lines.end(), filter.begin(), filter.end());
    const auto place = rules.translation_end != 0 ? rules.translation_end : rules.filter_begin;
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(place), translation.begin(),
                 translation.end());
    return joined(lines);
}

namespace {

struct DiffLine {
    char mark;  ///< ' ', '-', '+'
    std::string text;
};

/// The longest common subsequence; configuration files are short.
std::vector<DiffLine> compare(const Lines& before, const Lines& after) {
    const std::size_t width = after.size() + 1;
    std::vector<unsigned> length((before.size() + 1) * width, 0);
    for (std::size_t i = before.size(); i-- > 0;) {
        for (std::size_t j = after.size(); j-- > 0;) {
            length[i * width + j] = before[i] == after[j] ? length[(i + 1) * width + j + 1] + 1
                                                          : std::max(length[(i + 1) * width + j],
                                                                     length[i * width + j + 1]);
        }
    }
    std::vector<DiffLine> out;
    std::size_t i = 0;
    std::size_t j = 0;
    while (i < before.size() || j < after.size()) {
        if (i < before.size() && j < after.size() && before[i] == after[j]) {
            out.push_back({' ', before[i++]});
            ++j;
        } else if (j == after.size() || (i < before.size() && length[(i + 1) * width + j] >=
                                                                  length[i * width + j + 1])) {
            out.push_back({'-', before[i++]});
        } else {
            out.push_back({'+', after[j++]});
        }
    }
    return out;
}

}  // namespace

std::string unified_diff(const std::string& name, std::string_view before, std::string_view after,
                         std::size_t context) {
    if (before == after) return "";
    const auto lines = compare(lines_of(before), lines_of(after));
    std::vector<bool> shown(lines.size(), false);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].mark == ' ') continue;
        const auto from = i < context ? 0 : i - context;
        for (std::size_t k = from; k < std::min(lines.size(), i + context + 1); ++k)
            shown[k] = true;
    }
    std::string out = fmt::format("--- {0}\n+++ {0}\n", name);
    std::size_t number = 1;  // of the line in `before`
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (shown[i] && (i == 0 || !shown[i - 1])) out += fmt::format("@@ line {} @@\n", number);
        if (shown[i]) out += lines[i].mark + lines[i].text + '\n';
        if (lines[i].mark != '+') ++number;
    }
    return out;
}

}  // namespace brig::cli
