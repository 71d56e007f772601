// The `filters` of list, prune and events requests.
#pragma once

#include <map>
#include <string>

#include "engine/engine.h"

namespace brig::engine {

/// By "label" (all must be there: "key" or "key=value") and "label!" (none may be).
bool matches_labels(const std::map<std::string, std::string>& labels, const Filters& filters);
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
