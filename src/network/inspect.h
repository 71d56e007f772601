// Networks and endpoints in the Docker API's words.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "network/network.h"

namespace brig::network {

/// A network as /networks and /networks/{id} list it.
nlohmann::json network_json(const NetworkInfo& info);

/// A container's NetworkSettings. `endpoint` is null for containers that are not connected or not
/// running; `mode` is their network ("bridge", "host", "none"), `id` its identifier; `exposed`
/// ("80/tcp") are ports listed as null when they are not published.
nlohmann::json network_settings_json(const Endpoint* endpoint, const std::string& mode,
                                     const std::string& id,
                                     const std::vector<std::string>& exposed);

/// The Ports list of /containers/json: [{"IP","PrivatePort","PublicPort","Type"}].
nlohmann::json port_summary_json(const Endpoint* endpoint, const std::vector<std::string>& exposed);

}  // namespace brig::network
