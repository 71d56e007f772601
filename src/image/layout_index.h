// The content store's index.json: the images' names, so that tools which know OCI layouts (skopeo,
// podman, crane) read images out of the store as "oci:ROOT/content:NAME".
#pragma once

#include <map>
#include <string>

#include "image/records.h"

namespace brig::image {

class LayoutIndex {
public:
    explicit LayoutIndex(const content::Store& content) : content_(content) {}
    /// Writes what `records` says now, if the file says something else. It follows the records and
    /// is set right at every start; no reader of ours relies on it.
    void update(const Records& records);

private:
    const oci::Descriptor& manifest_of(const Image& image);

    const content::Store& content_;
    std::map<Digest, oci::Descriptor> manifests_;
    std::string written_;
};

}  // namespace brig::image
