// `brig image bootstrap`: base images made from the host's own sources, without a registry.
#pragma once

#include <optional>
#include <string>

#include "image/store.h"

namespace brig::image {

struct BootstrapRequest {
    std::string what;                    ///< "busybox", "debian:SUITE", "freebsd:RELEASE"
    std::optional<oci::Reference> name;  ///< absent: named as `what`
    /// debian: a mirror's URL. freebsd: a local base.txz, or a mirror's URL. Absent: the default.
    std::string source;
    std::string architecture;  ///< absent: the host's
};

/// Throws Error{invalid_argument} for an unknown `what`, {failed_precondition} saying which package
/// to install when a program is missing.
Image bootstrap(Store& store, const BootstrapRequest& request, const Progress& progress);

}  // namespace brig::image
