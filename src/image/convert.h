// `image convert`: the same files in other blobs.
#pragma once

#include <optional>
#include <string>

#include "archive/stream.h"
#include "image/store.h"
#include "image/transfers.h"

namespace brig::image {

struct ConvertRequest {
    std::string source;  ///< name or ID
    oci::Reference target;
    std::optional<archive::Compression> compression;  ///< absent: as it is
    std::optional<int> level;
    bool oci = false;  ///< OCI's media types for docker's; zstd has no others
};

/// The blob of one layer in another compression, in the store as long as a lease lives. What it
/// holds is checked against `diff_id`; the descriptor returned is without a media type.
struct Recompression {
    archive::Compression compression = archive::Compression::gzip;
    std::optional<int> level = {};
};
oci::Descriptor recompress(content::Store& content, const oci::Descriptor& layer,
                           const Digest& diff_id, const Recompression& how);

/// Makes the blobs and a manifest of them, which `target` then stands for. Configuration, and with
/// it the image's ID, and diff IDs stay. Throws Error{not_found}, Error{invalid_argument}.
Image convert(Store& store, const ConvertRequest& request, const TransferProgress& progress = {});

}  // namespace brig::image
