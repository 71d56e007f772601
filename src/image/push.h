// `docker push`: an image to a registry.
#pragma once

#include "image/store.h"
#include "image/transfers.h"
#include "registry/repository.h"

namespace brig::image {

struct PushRequest {
    oci::Reference name;  ///< with a tag
    registry::Credentials credentials;
    /// Where it is to be called differently: the name there.
    std::optional<oci::Reference> target = {};

    [[nodiscard]] const oci::Reference& there() const { return target ? *target : name; }
};

struct Pushed {
    Digest digest;  ///< of the manifest
    std::int64_t size;
};

/// Sends what the registry does not have, the manifest last. Layers that are stored uncompressed go
/// compressed; all others go as they came. Throws Error{not_found} for an image that is not here,
/// and the registry's words for a refusal.
Pushed push(Store& store, const registry::Settings& settings, const PushRequest& request,
            const TransferProgress& progress, registry::Cancelled cancelled = {});

/// The tags of a repository that there are here, for `push --all-tags`. Throws Error{not_found}.
std::vector<oci::Reference> local_tags(const Store& store, const oci::Reference& name);

}  // namespace brig::image
