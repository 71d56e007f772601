// One "[…]" of a pattern, shared by glob.cpp and ignore.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace brig::oci {

/// The code point at the front of `text`, which it is removed from. Bytes that are not UTF-8
/// stand for themselves. `text` must not be empty.
char32_t take_rune(std::string_view& text);

struct GlobClass {
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges;

    /// Parses what follows the '[' and removes it from `pattern`, the ']' included.
    /// Throws Error{invalid_argument} when malformed.
    static GlobClass parse(std::string_view& pattern);
    [[nodiscard]] bool matches(char32_t rune) const;
};

}  // namespace brig::oci
