// --filter key=value, repeated, as the API's "filters" parameter; and times for --since.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brig::cli {

class Flags;

/// `--filter`: words get "key=value" each, the key in small letters, no blanks around either.
void declare_filters(Flags& flags, std::string_view names, std::vector<std::string>& words,
                     std::string_view help);

/// {"status":{"running":true}}
std::string filters_parameter(const std::vector<std::string>& filters);
/// RFC 3339, unix seconds or an age ("42m") as the API's timestamp. Throws Error{invalid_argument}.
std::string timestamp_parameter(const std::string& text);

/// Asks on the terminal; only "y" and "yes" are consent.
bool confirm(const std::string& question);

}  // namespace brig::cli
