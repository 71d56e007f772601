// See filters.h.
#include "engine/filters.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"
#include "build/go_duration.h"

namespace brig::engine {

Filters parse_filters(std::string_view text) {
    Filters out;
    if (trim(text).empty()) return out;
    const auto value = nlohmann::json::parse(text, nullptr, false);
    const Error malformed(ErrorKind::invalid_argument, "invalid filter: {}", text);
    if (!value.is_object()) throw malformed;
    for (const auto& [key, list] : value.items()) {
        auto& values = out[key];
        if (list.is_object()) {
            for (const auto& [one, ignored] : list.items()) values.push_back(one);
            continue;
        }
        if (!list.is_array()) throw malformed;
        for (const auto& one : list) {
            if (!one.is_string()) throw malformed;
            values.push_back(one.get<std::string>());
        }
    }
    return out;
}

namespace {

bool has_label(const std::map<std::string, std::string>& labels, const std::string& wanted) {
    const auto [key, value] = split_once(wanted, '=');
    const auto found = labels.find(key);
    return found != labels.end() && (!value || found->second == *value);
}

}  // namespace

void allow_only(const Filters& filters, std::initializer_list<std::string_view> known) {
    for (const auto& [key, values] : filters) {
        if (std::ranges::find(known, key) == known.end())
            throw Error(ErrorKind::invalid_argument, "invalid filter '{}'", key);
    }
}

std::optional<bool> truth_of(const Filters& filters, const std::string& key) {
    const auto found = filters.find(key);
    if (found == filters.end() || found->second.empty()) return std::nullopt;
    const auto& values = found->second;
    const auto first = parse_bool(values.front());
    const auto agrees = [&](const auto& value) { return parse_bool(value) == first; };
    if (!first || !std::ranges::all_of(values, agrees)) {
        throw Error(ErrorKind::invalid_argument, "invalid filter '{}=[{}]'", key,
                    join(values, " "));
    }
    return first;
}

std::optional<Instant> until_of(const Filters& filters) {
    const auto found = filters.find("until");
    if (found == filters.end() || found->second.empty()) return std::nullopt;
    if (found->second.size() > 1)
        throw Error(ErrorKind::invalid_argument, "more than one until filter specified");
    const auto& text = found->second.front();
    for (const auto* rest : {"", "Z", ":00Z", ":00:00Z", "T00:00:00Z"}) {
        if (auto instant = parse_timestamp(text + rest)) return instant;
    }
    if (const auto age = build::parse_go_duration(text)) return now() - *age;
    throw Error(ErrorKind::invalid_argument, "invalid filter 'until={}'", text);
}

bool matches_labels(const std::map<std::string, std::string>& labels, const Filters& filters) {
    const auto all_of = [&](const char* key, bool wanted) {
        const auto found = filters.find(key);
        return found == filters.end() || std::ranges::all_of(found->second, [&](const auto& label) {
                   return has_label(labels, label) == wanted;
               });
    };
    return all_of("label", true) && all_of("label!", false);
}

}  // namespace brig::engine
