// See filters.h.
#include "engine/filters.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/strings.h"

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
