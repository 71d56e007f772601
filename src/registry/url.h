// URLs taken apart by libcurl's own parser, so that what is checked is what is connected to.
#pragma once

#include <string>
#include <string_view>

namespace brig::registry {

/// An absolute http or https URL without user information.
struct Url {
    std::string text;
    std::string scheme;
    std::string host;  ///< lower case
    std::string port;  ///< always there

    /// Throws Error{invalid_argument} for anything else, control characters included.
    static Url parse(std::string_view text);
    /// What a Location header means that came from this URL.
    [[nodiscard]] Url resolve(std::string_view location) const;
    /// Adds "name=value" to the query, encoded.
    [[nodiscard]] Url with_query(std::string_view name, std::string_view value) const;
    /// "host:port": where credentials may go.
    [[nodiscard]] std::string authority() const { return host + ":" + port; }
    [[nodiscard]] bool same_origin(const Url& other) const {
        return scheme == other.scheme && host == other.host && port == other.port;
    }
};

}  // namespace brig::registry
