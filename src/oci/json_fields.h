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

namespace brig::oci {

using nlohmann::json;

[[noreturn]] inline void wrong_type(const char* wanted) {
    throw Error(ErrorKind::invalid_argument, "want {}", wanted);
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
    for (const auto& [key, item] : value.items()) read_value(item, out[key]);
}

/// One field of `object`. Found by argument-dependent lookup, read_value overloads for structures
/// may follow this header.
template <typename T>
void read_field(const json& object, const char* name, T& out) {
    if (!object.is_object()) wrong_type("an object");
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return;
    try {
        read_value(*found, out);
    } catch (const Error& e) {
        const bool nested = e.message().find(": want") != std::string::npos;
        throw Error(e.kind(), "{}{}{}", name, nested ? "." : ": ", e.message());
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
