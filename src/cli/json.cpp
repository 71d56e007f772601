// See json.h.
#include "cli/json.h"

#include "base/error.h"

namespace brig::cli {

Json parse_json(std::string_view text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) {
        throw Error(ErrorKind::internal, "the engine sent malformed JSON: {}", text.substr(0, 80));
    }
    return json;
}

std::string text_of(const Json& object, const char* key, std::string_view fallback) {
    const Json& value = at_path(object, key);
    return value.is_string() ? value.get<std::string>() : std::string(fallback);
}

std::int64_t number_of(const Json& object, const char* key, std::int64_t fallback) {
    const Json& value = at_path(object, key);
    return value.is_number() ? value.get<std::int64_t>() : fallback;
}

bool truth_of(const Json& object, const char* key) {
    const Json& value = at_path(object, key);
    return value.is_boolean() && value.get<bool>();
}

}  // namespace brig::cli
