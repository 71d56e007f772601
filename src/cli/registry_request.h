// Requests that the engine passes on to a registry, with the user's credentials for it.
#pragma once

#include <string>

#include "client/client.h"

namespace brig::cli {

struct RegistryRequest {
    std::string method;
    std::string target;
    std::string image;  ///< a name in the registry that credentials are for
    std::string body = {};
    std::string content_type = {};
};

/// One request and its whole answer. Throws ApiError.
client::Reply registry_call(client::Client& engine, const RegistryRequest& request);
/// "/distribution/NAME", for any name that a registry may have. Throws Error{invalid_argument}.
std::string distribution_path(const std::string& image);

}  // namespace brig::cli
