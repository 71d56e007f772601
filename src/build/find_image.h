// The images that FROM and COPY --from name.
#pragma once

#include <string>

#include "build/session.h"
#include "image/store.h"

namespace brig::build {

enum class Missing { pull, refuse };

/// The one that is here, or is pulled where none is or only one for another platform than
/// `platform` (which may be empty). Throws Error{not_found}.
image::Image find_image(Session& session, const std::string& reference, const std::string& platform,
                        Missing missing = Missing::pull);

/// Throws Error{not_found} for an image that is for `have`, where that is not `wanted`.
void expect_platform(const std::string& reference, const oci::Platform& have,
                     const std::string& wanted);

}  // namespace brig::build
