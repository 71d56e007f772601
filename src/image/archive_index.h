// Which images an archive's files make up: docker's manifest.json, OCI's index.json, or both.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "content/store.h"
#include "oci/reference.h"

namespace brig::image {

/// A file of the archive, already a blob.
struct ArchiveFile {
    Digest digest;
    std::int64_t size;
};
using ArchiveFiles = std::map<std::string, ArchiveFile>;

struct ArchivedImage {
    Digest manifest;  ///< in the content store; made from manifest.json where the archive has none
    Digest config;
    std::vector<oci::Reference> names;
};

/// Throws Error{invalid_argument} naming the file at fault.
std::vector<ArchivedImage> find_images(content::Store& content, const ArchiveFiles& files);

}  // namespace brig::image
