// The handful of text operations that the standard library leaves out.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brig {

/// "a:b:c" by ':' → {"a","b","c"}; empty fields are kept; empty text gives one empty field.
std::vector<std::string> split(std::string_view text, char separator);
/// The parts before and after the first separator; second is absent when there is none.
std::pair<std::string, std::optional<std::string>> split_once(std::string_view text,
                                                              char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Without white space at both ends.
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
/// "true", "1", "t" (any case) as Go's strconv.ParseBool; `nullopt` for anything else.
std::optional<bool> parse_bool(std::string_view text);
/// "512m", "1.5g", "100kb", "1024": docker's sizes in powers of 1024. `nullopt` when malformed.
std::optional<std::int64_t> parse_bytes(std::string_view text);

/// The whole of `text` as a decimal number, or nothing.
template <typename Integer>
std::optional<Integer> parse_int(std::string_view text) {
    Integer value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

}  // namespace brig
