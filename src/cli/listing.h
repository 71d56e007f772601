// Lists as docker prints them: a padded table, or whatever --format asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"

namespace brig::cli {

/// Tab-separated lines as a padded table: columns of at least 10, 3 blanks between them.
std::string align_columns(std::string_view text, std::size_t minimum = 10, std::size_t padding = 3);

struct Listing {
    /// Field names and their column titles ({"ID": "CONTAINER ID", …}).
    Json titles;
    /// The template of the default table, without "table ".
    std::string_view columns;
    /// One object of printable fields per line.
    std::vector<Json> rows;
};

/// `format`: "", "table", "table TEMPLATE", "json" or a template. Throws Error{invalid_argument}.
void print_listing(const Listing& listing, const std::string& format);

/// One value through --format of inspect, version and info: "json" or a template.
std::string format_value(const Json& value, const std::string& format);

/// JSON as docker's inspect indents it.
std::string pretty_json(const Json& value);
/// One line, with <, > and & escaped as Go's encoder does.
std::string compact_json(const Json& value);

/// "sha256:abcdef…" or "abcdef…" cut to 12 digits, unless `whole`.
std::string short_id(std::string_view id, bool whole = false);
/// At most `width` characters, the last one "…" where text was cut.
std::string ellipsis(std::string_view text, std::size_t width);
/// "2 hours ago" for unix seconds.
std::string ago(std::int64_t unix_seconds);
/// "2025-11-21 04:40:00 +0000 UTC"
std::string go_time(std::int64_t unix_seconds);
/// {"a":"b"} → "a=b,c=d" in the order of keys.
std::string joined_labels(const Json& labels);

}  // namespace brig::cli
