// Containers and images as rows of a listing, for `ps`, `images` and `system df -v`.
#pragma once

#include <string>
#include <vector>

#include "cli/json.h"

namespace brig::cli {

/// `whole`: nothing is shortened.
Json container_row(const Json& container, bool whole);
Json container_titles();

struct ImageName {
    std::string repository = "<none>";
    std::string tag = "<none>";
    std::string digest = "<none>";
};

/// One per name, with its digest where `digests` are wanted; an image without any has one, too.
std::vector<ImageName> names_of_image(const Json& image, bool digests);
Json image_row(const Json& image, const ImageName& name, bool whole);
Json image_titles();

}  // namespace brig::cli
