// See image_platform.h.
#include "image/image_platform.h"

#include "base/error.h"

namespace brig::image {

void check_platform(const Image& image, const std::string& name, const oci::Platform& wanted) {
    if (wanted.accepts(image.config.platform)) return;
    // brig run fetches the other one on these words, docker's client on the kind.
    throw Error(ErrorKind::not_found,
                "image with reference {} was found but does not provide the specified platform "
                "({})",
                name, wanted.str());
}

}  // namespace brig::image
