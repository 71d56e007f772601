// Patterns of ${x#p}, ${x%p} and ${x/p/r}: `*`, `?` and backslash, over any character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brig::build {

class ShellPattern {
public:
    explicit ShellPattern(std::string_view text);
    [[nodiscard]] std::string without_prefix(std::string_view value, bool longest) const;
    [[nodiscard]] std::string without_suffix(std::string_view value, bool longest) const;
    /// Replaces the first (longest) match, or all of them.
    [[nodiscard]] std::string replace(std::string_view value, std::string_view by, bool all) const;

private:
    struct Element {
        enum class Kind { literal, one, run } kind;
        char c = '\0';
    };
    /// The lengths of `value`'s prefixes that match: result[n] for the first n bytes.
    [[nodiscard]] std::vector<bool> prefixes(std::string_view value) const;
    [[nodiscard]] bool matches(std::string_view value) const { return prefixes(value).back(); }

    std::vector<Element> elements_;
};

}  // namespace brig::build
