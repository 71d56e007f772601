// -p and --expose: "[ip:][host[-range]:]container[-range][/proto]" into the API's port maps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brig::cli {

struct PortBinding {
    std::string container;  ///< "80/tcp"
    std::string host_ip;
    std::string host_port;  ///< empty: a free one; "8000-8002": a free one of these
    bool operator==(const PortBinding&) const = default;
};

/// Throws Error{invalid_argument} in docker's words.
std::vector<PortBinding> parse_publish(std::string_view spec);
/// "99", "99-101/udp" → "99/tcp", …
std::vector<std::string> parse_expose(std::string_view spec);

}  // namespace brig::cli
