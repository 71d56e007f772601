// Words of a Dockerfile: splitting by white space, quotes, escapes and variables, by the rules of
// the Dockerfile reference ("Environment replacement").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brig::build {

/// The value of a variable, or nothing when it is not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Splits at unquoted white space. Quotes and escapes stay in the words.
std::vector<std::string> split_words(std::string_view text, char escape);

/// Evaluates quotes, escapes and variables of one word ($x, ${x}, ${x:-d}, ${x:+d}, ${x:?m} and
/// those without the colon, ${x#p}, ${x##p}, ${x%p}, ${x%%p}, ${x/p/r}, ${x//p/r}).
/// Throws Error{invalid_argument}.
std::string expand(std::string_view word, char escape, const Lookup& lookup);

/// As expand(), then split at white space that is not quoted: how EXPOSE takes a list from a
/// variable.
std::vector<std::string> expand_to_words(std::string_view word, char escape, const Lookup& lookup);

/// Evaluates the variables of a here-document, where quotes mean nothing.
std::string expand_heredoc(std::string_view text, char escape, const Lookup& lookup);

/// Quotes and escapes evaluated, `$` taken literally. Lenient about a missing closing quote.
std::string unquote(std::string_view word, char escape);

}  // namespace brig::build
