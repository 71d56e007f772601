// Reading typed fields out of JSON objects: absent and null leave the default, anything of the
// wrong type or out of range is an error that names the field. For .cpp files only.
#pragma once

#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::oci {

using nlohmann::json;

[[noreturn]] inline void wrong_type(const char* wanted) {
    throw Error(ErrorKind::invalid_argument, "want {}", wanted);
}

/// Puts the field's name before what is wrong with it.
template <typename Read>
void naming(std::string_view name, Read read) {
    try {
        read();
    } catch (const Error& e) {
        const std::string_view text = e.message();
        const bool path_first = text.substr(0, text.find(": ")).find(' ') == std::string_view::npos;
        throw Error(e.kind(), "{}{}{}", name, path_first ? "." : ": ", text);
    }
}

inline void read_value(const json& value, std::string& out) {
    if (!value.is_string()) wrong_type("a string");
    out = value.get_ref<const std::string&>();
    if (out.find('\0') != std::string::npos) wrong_type("a string without NUL");
}

inline void read_value(const json& value, bool& out) {
    if (!value.is_boolean()) wrong_type("true or false");
    out = value.get<bool>();
}

/// Numbers out of range are refused, never wrapped (CVE-2024-40635).
template <typename Integer>
    requires std::is_integral_v<Integer>
void read_value(const json& value, Integer& out) {
    if (value.is_number_unsigned()) {
        const auto number = value.get<std::uint64_t>();
        if (!std::in_range<Integer>(number)) wrong_type("a smaller number");
        out = static_cast<Integer>(number);
    } else if (value.is_number_integer()) {
        const auto number = value.get<std::int64_t>();
        if (!std::in_range<Integer>(number)) wrong_type("a number in range");
        out = static_cast<Integer>(number);
    } else {
        wrong_type("a whole number");
    }
}

template <typename T>
void read_value(const json& value, std::optional<T>& out) {
    read_value(value, out.emplace());
}

template <typename T>
void read_value(const json& value, std::vector<T>& out) {
    if (!value.is_array()) wrong_type("an array");
    out.clear();
    out.reserve(value.size());
    for (const json& item : value) read_value(item, out.emplace_back());
}

template <typename T>
void read_value(const json& value, std::map<std::string, T>& out) {
    if (!value.is_object()) wrong_type("an object");
    out.clear();
    for (auto item = value.begin(); item != value.end(); ++item)
        naming(item.key(), [&] { read_value(*item, out[item.key()]); });
}

/// A property of the specification that this runtime does not implement: set, it is an error.
struct Refused {
    std::string_view why;
};
inline void read_value(const json&, const Refused& refused) {
    throw Error(ErrorKind::not_implemented, "not supported: {}", refused.why);
}

/// A property meant for other platforms: "runtimes MUST ignore", but not in silence.
struct Ignored {};
inline constexpr Ignored ignored;

/// null leaves the default; errors name the field.
template <typename T>
void read_named_value(const json& value, const char* name, T&& out) {
    if (value.is_null()) return;
    if constexpr (std::is_same_v<std::remove_cvref_t<T>, Ignored>) {
        log::warn("the property {:?} is for another platform and has no effect", name);
    } else {
        naming(name, [&] { read_value(value, out); });
    }
}

/// One field of `object`; false when it is not there. Found by argument-dependent lookup,
/// read_value overloads for structures may follow this header.
template <typename T>
bool read_field(const json& object, const char* name, T&& out) {
    if (!object.is_object()) wrong_type("an object");
    const auto found = object.find(name);
    if (found == object.end()) return false;
    read_named_value(*found, name, out);
    return true;
}

namespace detail {
template <typename T, typename... Rest>
std::size_t read_each(const json& object, const char* name, T&& out, Rest&&... rest) {
    std::size_t found = read_field(object, name, std::forward<T>(out)) ? 1 : 0;
    if constexpr (sizeof...(rest) != 0) found += read_each(object, std::forward<Rest>(rest)...);
    return found;
}

template <typename T, typename... Rest>
bool is_one_of(std::string_view key, const char* name, T&&, Rest&&... rest) {
    if (key == name) return true;
    if constexpr (sizeof...(rest) != 0) return is_one_of(key, std::forward<Rest>(rest)...);
    return false;
}

/// The field that `key` names but for the case of letters, unless it is there in its own spelling.
template <typename T, typename... Rest>
bool read_folded(const json& object, std::string_view key, const json& value, const char* name,
                 T&& out, Rest&&... rest) {
    if (to_lower(key) == to_lower(name) && !object.contains(name)) {
        read_named_value(value, name, out);
        return true;
    }
    if constexpr (sizeof...(rest) != 0)
        return read_folded(object, key, value, std::forward<Rest>(rest)...);
    return false;
}
}  // namespace detail

/// The fields of one object, as name and destination in turn. Documents may be extended by anybody
/// ("Extensibility"), so a property that is none of them is no error, but neither is it passed over
/// in silence. Nor is one spelt "pagesize" for "pageSize": the field's other programs read these
/// documents without minding case, so there are documents that rely on it.
template <typename... Fields>
void read_fields(const json& object, Fields&&... fields) {
    if (!object.is_object()) wrong_type("an object");
    if (detail::read_each(object, fields...) == object.size()) return;
    for (const auto& [key, value] : object.items()) {
        if (!detail::is_one_of(key, fields...) &&
            !detail::read_folded(object, key, value, fields...))
            log::warn("the property {:?} is not known and has no effect", key);
    }
}

/// Writers that leave out what is empty, as the specifications' omitempty does.
inline void put(json& object, const char* name, const std::string& value) {
    if (!value.empty()) object[name] = value;
}
inline void put(json& object, const char* name, bool value) {
    if (value) object[name] = true;
}
template <typename T>
void put(json& object, const char* name, const std::optional<T>& value) {
    if (value) object[name] = *value;
}
template <typename T>
void put(json& object, const char* name, const std::vector<T>& values) {
    if (!values.empty()) object[name] = values;
}
inline void put(json& object, const char* name, const std::map<std::string, std::string>& values) {
    if (!values.empty()) object[name] = values;
}
inline void put(json& object, const char* name, json value) {
    if (!value.empty()) object[name] = std::move(value);
}

}  // namespace brig::oci
