// Reading fields of untrusted OCI and docker documents: absent and null are empty, a wrong type is
// an error that names the field. (json_fields.h is the stricter reader of runtime configurations.)
// Include in .cpp files only.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace brig::oci::fields {

using Json = nlohmann::json;

[[noreturn]] inline void wrong_type(std::string_view field, std::string_view wanted) {
    throw Error(ErrorKind::invalid_argument, "field {:?} is not {}", field, wanted);
}

inline constexpr std::size_t max_depth = 128;

/// Copies and writers of nlohmann's recurse: a document of brackets alone would be the end of the
/// stack.
inline bool is_too_deep(std::string_view text) {
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > max_depth) return true;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

/// The whole document. `what` names it in messages.
inline Json parse_object(std::string_view text, std::string_view what, std::size_t limit) {
    if (text.size() > limit) {
        throw Error(ErrorKind::invalid_argument, "{} of {} bytes is larger than the {} allowed",
                    what, text.size(), limit);
    }
    if (is_too_deep(text))
        throw Error(ErrorKind::invalid_argument, "{} is nested too deeply", what);
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) throw Error(ErrorKind::invalid_argument, "{} is not valid JSON", what);
    if (!json.is_object())
        throw Error(ErrorKind::invalid_argument, "{} is not a JSON object", what);
    return json;
}

/// The field, or null when it is absent or null.
inline const Json* find(const Json& object, const char* field) {
    const auto it = object.find(field);
    return it == object.end() || it->is_null() ? nullptr : &*it;
}

inline const Json* find_object(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value != nullptr && !value->is_object()) wrong_type(field, "an object");
    return value;
}

inline const Json* find_array(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value != nullptr && !value->is_array()) wrong_type(field, "an array");
    return value;
}

inline std::string string(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value == nullptr) return {};
    if (!value->is_string()) wrong_type(field, "a string");
    return value->get<std::string>();
}

inline std::int64_t integer(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value == nullptr) return 0;
    // A float that is whole comes from JavaScript-minded writers; one out of range from hostile
    // ones.
    if (value->is_number_float()) {
        const double number = value->get<double>();
        if (!(number > -9.2e18 && number < 9.2e18)) wrong_type(field, "a 64-bit integer");
        return static_cast<std::int64_t>(number);
    }
    if (!value->is_number_integer()) wrong_type(field, "a number");
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) {
        wrong_type(field, "a 64-bit integer");
    }
    return value->get<std::int64_t>();
}

inline bool boolean(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value == nullptr) return false;
    if (!value->is_boolean()) wrong_type(field, "true or false");
    return value->get<bool>();
}

/// An array of strings; a lone string counts as one element, as docker's strslice does.
inline std::vector<std::string> strings(const Json& object, const char* field) {
    const Json* value = find(object, field);
    if (value == nullptr) return {};
    if (value->is_string()) return {value->get<std::string>()};
    if (!value->is_array()) wrong_type(field, "an array of strings");
    std::vector<std::string> out;
    for (const Json& item : *value) {
        if (!item.is_string()) wrong_type(field, "an array of strings");
        out.push_back(item.get<std::string>());
    }
    return out;
}

inline std::map<std::string, std::string> string_map(const Json& object, const char* field) {
    const Json* value = find_object(object, field);
    std::map<std::string, std::string> out;
    if (value == nullptr) return out;
    for (const auto& [key, item] : value->items()) {
        if (!item.is_string() && !item.is_null()) wrong_type(field, "an object of strings");
        out.emplace(key, item.is_null() ? std::string() : item.get<std::string>());
    }
    return out;
}

/// {"80/tcp": {}} → {"80/tcp"}
inline std::set<std::string> key_set(const Json& object, const char* field) {
    const Json* value = find_object(object, field);
    std::set<std::string> out;
    if (value == nullptr) return out;
    for (const auto& [key, item] : value->items()) out.insert(key);
    return out;
}

inline Json from_key_set(const std::set<std::string>& keys) {
    Json out = Json::object();
    for (const auto& key : keys) out[key] = Json::object();
    return out;
}

/// Compact text; bytes that are not UTF-8 (from a command line) are replaced, not thrown at.
inline std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace brig::oci::fields
