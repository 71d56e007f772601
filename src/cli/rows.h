// Containers, images and volumes as rows of a listing, for `ps`, `images`, `volume ls` and
// `system df -v`.
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

/// Without what only `system df` asks for, Links and Size.
Json volume_row(const Json& volume);
Json volume_titles();

}  // namespace brig::cli
