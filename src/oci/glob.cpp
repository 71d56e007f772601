#include "oci/glob.h"

#include "base/error.h"
#include "oci/glob_class.h"

namespace brig::oci {
namespace {

[[noreturn]] void malformed() {
    throw Error(ErrorKind::invalid_argument, "syntax error in pattern");
}

char32_t take_class_rune(std::string_view& pattern) {
    if (pattern.empty() || pattern.front() == '-' || pattern.front() == ']') malformed();
    if (pattern.front() == '\\') {
        pattern.remove_prefix(1);
        if (pattern.empty()) malformed();
    }
    return take_rune(pattern);
}

/// Matches one pattern element that is not a star; removes it and what it matched.
bool take_element(std::string_view& pattern, std::string_view& name) {
    const char head = pattern.front();
    pattern.remove_prefix(1);
    if (head == '[') {
        const auto set = GlobClass::parse(pattern);
        return !name.empty() && name.front() != '/' && set.matches(take_rune(name));
    }
    if (head == '?') return !name.empty() && name.front() != '/' && (take_rune(name), true);
    char literal = head;
    if (head == '\\') {
        if (pattern.empty()) malformed();
        literal = pattern.front();
        pattern.remove_prefix(1);
    }
    if (name.empty() || name.front() != literal) return false;
    name.remove_prefix(1);
    return true;
}

/// A pattern is refused as a whole even where matching would have stopped before its bad end.
void check_syntax(std::string_view pattern) {
    while (!pattern.empty()) {
        const char head = pattern.front();
        pattern.remove_prefix(1);
        if (head == '[') {
            GlobClass::parse(pattern);
        } else if (head == '\\') {
            if (pattern.empty()) malformed();
            pattern.remove_prefix(1);
        }
    }
}

}  // namespace

char32_t take_rune(std::string_view& text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    char32_t rune = length == 1 ? lead : lead & (0x7fU >> length);
    if (length > text.size()) {
        text.remove_prefix(1);
        return lead;
    }
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0U) != 0x80U) {
            text.remove_prefix(1);
            return lead;
        }
        rune = (rune << 6U) | (byte(at) & 0x3fU);
    }
    text.remove_prefix(length);
    return rune;
}

GlobClass GlobClass::parse(std::string_view& pattern) {
    GlobClass set;
    if (!pattern.empty() && pattern.front() == '^') {
        set.negated = true;
        pattern.remove_prefix(1);
    }
    while (set.ranges.empty() || pattern.empty() || pattern.front() != ']') {
        const char32_t low = take_class_rune(pattern);
        char32_t high = low;
        if (!pattern.empty() && pattern.front() == '-') {
            pattern.remove_prefix(1);
            high = take_class_rune(pattern);
        }
        set.ranges.emplace_back(low, high);
    }
    pattern.remove_prefix(1);
    return set;
}

bool GlobClass::matches(char32_t rune) const {
    for (const auto& [low, high] : ranges) {
        if (low <= rune && rune <= high) return !negated;
    }
    return negated;
}

std::string clean_path(std::string_view path) {
    const bool absolute = path.starts_with('/');
    std::string clean = absolute ? "/" : "";
    std::size_t floor = clean.size();  // what ".." may not remove
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == ".." && clean.size() > floor) {
            const auto cut = clean.rfind('/');
            clean.resize(cut == std::string::npos || cut < floor ? floor : cut);
            continue;
        }
        if (part == ".." && absolute) continue;
        if (!clean.empty() && clean.back() != '/') clean += '/';
        clean += part;
        if (part == "..") floor = clean.size();
    }
    return clean.empty() ? "." : clean;
}

bool glob_match(std::string_view pattern, std::string_view name) {
    check_syntax(pattern);
    // On a mismatch only the last star needs to be tried again: linear retries, no recursion.
    std::string_view star_pattern;
    std::string_view star_name;
    bool starred = false;
    while (true) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            star_pattern = pattern;
            star_name = name;
            starred = true;
            continue;
        }
        if (pattern.empty() ? name.empty() : take_element(pattern, name)) {
            if (pattern.empty() && name.empty()) return true;
            continue;
        }
        if (!starred || star_name.empty() || star_name.front() == '/') return false;
        star_name.remove_prefix(1);
        name = star_name;
        pattern = star_pattern;
    }
}

bool has_glob(std::string_view text) {
    return text.find_first_of("*?[\\") != std::string_view::npos;
}

}  // namespace brig::oci
