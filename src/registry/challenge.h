// WWW-Authenticate headers (RFC 9110, section 11), from hostile bytes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace brig::registry {

struct Challenge {
    std::string scheme;                             ///< lower case: "bearer", "basic"
    std::map<std::string, std::string> parameters;  ///< names in lower case
};

/// What can be read of a header; it ends where it stops making sense.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace brig::registry
