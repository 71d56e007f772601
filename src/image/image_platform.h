// Whether an image is for the platform that somebody asks it for.
#pragma once

#include <string>

#include "image/store.h"

namespace brig::image {

/// Throws Error{not_found} in docker's words where `image`, found as `name`, is for another one.
void check_platform(const Image& image, const std::string& name, const oci::Platform& wanted);

}  // namespace brig::image
