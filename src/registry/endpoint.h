// Where a registry is and how far its host is trusted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/http.h"
#include "registry/settings.h"

namespace brig::registry {

struct Endpoint {
    std::string registry;    ///< as names have it: "docker.io", "localhost:5000"
    std::vector<Url> bases;  ///< tried in this order; http only for one that may be insecure
    bool may_be_insecure = false;
    std::optional<oci::SshAddress> ssh = {};  ///< how to reach it instead; bases[0] is a stand-in
};

/// The endpoint of a name's domain. Throws Error{invalid_argument}.
Endpoint endpoint_for(std::string_view domain, const Settings& settings);
/// "localhost", 127.0.0.0/8 and ::1, without a port.
bool is_loopback(std::string_view host);
/// "localhost", 127.0.0.0/8 and ::1, with or without a port, and what the settings say.
bool may_be_insecure(std::string_view host_and_port, const Settings& settings);
/// Certificates by the directories of the settings, for the host that `url` leads to.
Tls tls_for(const Url& url, const Settings& settings);

}  // namespace brig::registry
