// Reading docker's JSON as Go does: an absent or null field leaves the default.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"

namespace brig::engine {

/// Sets `out` from in[key] where present and not null. A wrong type is invalid_argument naming the
/// key.
template <typename T>
void field(const nlohmann::json& in, const char* key, T& out) {
    const auto found = in.find(key);
    if (found == in.end() || found->is_null()) return;
    try {
        out = found->template get<T>();
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::invalid_argument, "field {} has the wrong type ({})", key,
                    found->type_name());
    }
}

template <typename T>
void field(const nlohmann::json& in, const char* key, std::optional<T>& out) {
    const auto found = in.find(key);
    if (found == in.end() || found->is_null()) return;
    T value{};
    field(in, key, value);
    out = std::move(value);
}

/// null where absent.
template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
    return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

/// Parses a request's body as an object. Throws invalid_argument.
nlohmann::json parse_object(std::string_view body);

}  // namespace brig::engine
