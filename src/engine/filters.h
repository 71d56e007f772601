// The `filters` of list, prune and events requests.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "engine/engine.h"

namespace brig::engine {

/// By "label" (all must be there: "key" or "key=value") and "label!" (none may be).
bool matches_labels(const std::map<std::string, std::string>& labels, const Filters& filters);
/// Throws Error{invalid_argument} for a key that is none of `known`.
void allow_only(const Filters& filters, std::initializer_list<std::string_view> known);
/// A filter that is true or false: nothing where it is not given. Throws Error{invalid_argument}
/// for anything else, and for both at once.
std::optional<bool> truth_of(const Filters& filters, const std::string& key);
/// "until": a time, or an age as Go writes durations ("24h"). Throws Error{invalid_argument} for
/// anything else, lest a filter that is not understood removes everything.
std::optional<Instant> until_of(const Filters& filters);
/// Whether `filters` has `key`, and then whether one of its values makes `test` true.
template <typename Test>
bool passes(const Filters& filters, const std::string& key, const Test& test) {
    const auto found = filters.find(key);
    if (found == filters.end()) return true;
    for (const auto& value : found->second) {
        if (test(value)) return true;
    }
    return false;
}

}  // namespace brig::engine
