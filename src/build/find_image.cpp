// See find_image.h.
#include "build/find_image.h"

#include "base/error.h"
#include "oci/image_id.h"

namespace brig::build {
namespace {

bool fits(const oci::Platform& have, const std::string& wanted) {
    return wanted.empty() || oci::Platform::parse(wanted).accepts(have);
}

/// Nothing where there is none.
std::optional<image::Image> find_here(Session& session, const std::string& reference) {
    try {
        return session.parts.images.resolve(reference);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        return std::nullopt;
    }
}

}  // namespace

image::Image find_image(Session& session, const std::string& reference, const std::string& platform,
                        Missing missing) {
    const bool may_pull =
        session.parts.pull && missing == Missing::pull && !oci::is_id_alone(reference);
    auto found = find_here(session, reference);
    if (may_pull && (!found || !fits(found->config.platform, platform))) {
        BuildRequest asked = session.request;
        asked.platform = platform;
        session.parts.pull(reference, asked, session.progress);
        found = session.parts.images.resolve(reference);
    }
    if (!found) {
        throw Error(ErrorKind::not_found,
                    "no such image: {}; make it with `brig load`, `brig import` or `brig image "
                    "bootstrap`",
                    reference);
    }
    expect_platform(reference, found->config.platform, platform);
    return *std::move(found);
}

void expect_platform(const std::string& reference, const oci::Platform& have,
                     const std::string& wanted) {
    if (fits(have, wanted)) return;
    throw Error(ErrorKind::not_found, "image {} is for {}, not for {} as asked", reference,
                have.str(), wanted);
}

}  // namespace brig::build
