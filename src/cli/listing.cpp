// See listing.h.
#include "cli/listing.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "base/error.h"
#include "base/strings.h"
#include "base/time.h"
#include "cli/go_template.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

/// docker lets users write \t and \n in --format.
std::string unescape(std::string_view format) {
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        const char next = i + 1 < format.size() ? format[i + 1] : '\0';
        const bool escape = format[i] == '\\' && (next == 't' || next == 'n');
        out += escape ? (next == 't' ? '\t' : '\n') : format[i];
        if (escape) ++i;
    }
    return out;
}

GoTemplate parse_format(std::string_view text) {
    try {
        return GoTemplate(text);
    } catch (const Error& error) {
        throw error.within("failed to parse template");
    }
}

std::string lines_of(const GoTemplate& format, const std::vector<Json>& rows) {
    std::string out;
    try {
        for (const Json& row : rows) out += format.execute(row) + "\n";
    } catch (const Error& error) {
        throw error.within("failed to execute template");
    }
    return out;
}

std::string table_of(std::string_view columns, const Listing& listing) {
    const GoTemplate format = parse_format(columns);
    return align_columns(format.execute_header(listing.titles) + "\n" +
                         lines_of(format, listing.rows));
}

std::string_view without_algorithm(std::string_view id) {
    const auto colon = id.find(':');
    return colon == std::string_view::npos ? id : id.substr(colon + 1);
}

}  // namespace

std::string align_columns(std::string_view text, std::size_t minimum, std::size_t padding) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::vector<std::vector<std::string>> rows;
    for (const auto& line : split(text, '\n')) rows.push_back(split(line, '\t'));
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(minimum);
            widths[i] = std::max(widths[i], characters(row[i]) + padding);
        }
    }
    std::string out;
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            out += row[i];
            if (i + 1 < row.size()) out.append(widths[i] - characters(row[i]), ' ');
        }
        out += '\n';
    }
    return out;
}

void print_listing(const Listing& listing, const std::string& format) {
    if (format.empty() || format == "table") {
        print(table_of(listing.columns, listing));
    } else if (format.starts_with("table ")) {
        print(table_of(trim(unescape(std::string_view(format).substr(6))), listing));
    } else if (format == "json") {
        print(lines_of(GoTemplate("{{json .}}"), listing.rows));
    } else {
        print(lines_of(parse_format(unescape(format)), listing.rows));
    }
}

std::string format_value(const Json& value, const std::string& format) {
    if (format == "json") return compact_json(value);
    try {
        return GoTemplate(format).execute(value);
    } catch (const Error& error) {
        throw error.within("template parsing error");
    }
}

std::string pretty_json(const Json& value) {
    return value.dump(4, ' ', false, Json::error_handler_t::replace);
}

std::string compact_json(const Json& value) {
    std::string out;
    for (const char c : value.dump(-1, ' ', false, Json::error_handler_t::replace)) {
        if (c == '<' || c == '>' || c == '&')
            out += fmt::format("\\u{:04x}", static_cast<int>(c));
        else
            out += c;
    }
    return out;
}

std::string short_id(std::string_view id, bool whole) {
    if (whole || id == "<missing>") return std::string(id);
    return std::string(without_algorithm(id).substr(0, 12));
}

std::string ellipsis(std::string_view text, std::size_t width) {
    if (characters(text) <= width) return std::string(text);
    std::size_t seen = 0;
    std::size_t end = 0;
    for (; end < text.size(); ++end) {
        if (!is_continuation(text[end]) && ++seen == width) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string ago(std::int64_t unix_seconds) {
    return human_duration(std::time(nullptr) - unix_seconds) + " ago";
}

std::string go_time(std::int64_t unix_seconds) {
    const std::time_t when = unix_seconds;
    std::tm parts{};
    ::localtime_r(&when, &parts);
    char text[64];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &parts)};
}

std::string joined_labels(const Json& labels) {
    std::map<std::string, std::string> sorted;
    if (labels.is_object()) {
        for (const auto& [key, value] : labels.items())
            sorted[key] = value.is_string() ? value.get<std::string>() : "";
    }
    std::vector<std::string> pairs;
    for (const auto& [key, value] : sorted) pairs.push_back(key + "=" + value);
    return join(pairs, ",");
}

}  // namespace brig::cli
