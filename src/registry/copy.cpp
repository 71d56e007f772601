// See copy.h.
#include "registry/copy.h"

#include "oci/manifest.h"

namespace brig::registry {
namespace {

constexpr int max_depth = 2;

void copy(Repository& from, Repository& to, const Document& document, content::Store& store,
          int depth) {
    const auto& found = document.descriptor;
    const auto parsed = oci::parse_manifest_or_index(document.bytes, found.media_type);
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
        if (depth == max_depth)
            throw Error(ErrorKind::invalid_argument, "indexes are nested too deeply");
        for (const auto& member : index->manifests)
            copy(from, to, from.manifest(member), store, depth + 1);
    } else {
        const auto& manifest = std::get<oci::Manifest>(parsed);
        to.copy_blob(manifest.config, from, store);
        for (const auto& layer : manifest.layers) to.copy_blob(layer, from, store);
    }
    to.put_manifest(found.digest.str(), found.media_type, document.bytes);
}

}  // namespace

void copy_manifest(Repository& from, Repository& to, const Digest& digest, content::Store& store) {
    if (from.registry() != to.registry()) {
        throw Error(ErrorKind::invalid_argument, "cannot copy from registry {} to registry {}",
                    from.registry(), to.registry());
    }
    copy(from, to, from.manifest(digest.str()), store, 0);
}

}  // namespace brig::registry
