// Pulling an image, for `pull` and for the commands that need one.
#pragma once

#include <string>

#include "client/client.h"

namespace brig::cli {

struct PullOptions {
    std::string platform;
    bool all_tags = false;
    bool quiet = false;
    bool to_stderr = false;
};

/// With the credentials that config.json has for the image's registry. Throws ApiError, Failure.
void pull_image(client::Client& engine, const std::string& image, const PullOptions& options);

}  // namespace brig::cli
