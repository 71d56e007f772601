// `docker import`: an image of one layer from a root file system's tar.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "image/store.h"

namespace brig::image {

struct ImportRequest {
    std::optional<oci::Reference> name;
    std::string message;
    /// Dockerfile instructions: CMD ENTRYPOINT ENV EXPOSE LABEL USER VOLUME WORKDIR STOPSIGNAL
    /// ONBUILD.
    std::vector<std::string> changes;
    std::optional<oci::Platform> platform;
    /// Absent: now. Bootstrapped images give one, so that their IDs are reproducible.
    std::optional<Instant> created;
    /// Without `created`: the time of the newest file in the archive, for the same reason.
    bool dated_by_files = false;
};

/// `tar` may be compressed. Throws Error{invalid_argument} for what is no tar.
Image import_tar(Store& store, archive::Source& tar, const ImportRequest& request);
Image import_tar(Store& store, int fd, const ImportRequest& request);

/// Applies `--change` instructions. Throws Error{invalid_argument} naming the instruction.
void apply_changes(oci::ExecutionConfig& config, const std::vector<std::string>& changes);

}  // namespace brig::image
