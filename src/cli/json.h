// JSON as the engine sent it: the order of keys is kept, since users see it (inspect).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace brig::cli {

using Json = nlohmann::ordered_json;

/// Throws Error{internal}: the engine must not send anything else.
Json parse_json(std::string_view text);

/// The member at a path of keys ("State", "Health", "Status"), or null.
template <typename... Keys>
const Json& at_path(const Json& root, const Keys&... keys) {
    static const Json nothing;
    const Json* value = &root;
    ((value = value->is_object() && value->contains(keys) ? &(*value)[keys] : &nothing), ...);
    return *value;
}

/// The member, or the fallback where it is absent, null or of another type.
std::string text_of(const Json& object, const char* key, std::string_view fallback = "");
std::int64_t number_of(const Json& object, const char* key, std::int64_t fallback = 0);
bool truth_of(const Json& object, const char* key);

}  // namespace brig::cli
