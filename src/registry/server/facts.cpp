// See facts.h.
#include "registry/server/facts.h"

#include "base/strings.h"
#include "oci/descriptor.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::registry::server {
namespace {

namespace fields = oci::fields;
using fields::Json;

std::string media_type_of(const Json& document, std::string_view content_type) {
    const std::string declared(trim(content_type.substr(0, content_type.find(';'))));
    const std::string own = fields::string(document, "mediaType");
    if (!own.empty() && !declared.empty() && own != declared) {
        throw Error(ErrorKind::invalid_argument, "manifest of type {:?} was sent as {:?}", own,
                    declared);
    }
    const std::string type = own.empty() ? declared : own;
    if (!oci::is_manifest_type(type) && !oci::is_index_type(type)) {
        throw Error(ErrorKind::invalid_argument, "{:?} is no type of manifest", type);
    }
    return type;
}

/// Layers with addresses of their own are not expected in a registry (image-spec,
/// "Non-Distributable Layers").
bool is_elsewhere(const Json& layer) {
    const auto type = fields::string(layer, "mediaType");
    return type.find(".nondistributable.") != std::string::npos ||
           type.find(".foreign.") != std::string::npos;
}

void read_image(const Json& document, Facts& facts) {
    const Json* config = fields::find_object(document, "config");
    if (config == nullptr) throw Error(ErrorKind::invalid_argument, "manifest has no config");
    const auto descriptor = oci::descriptor_from_json(*config, "config");
    facts.blobs.push_back(descriptor.digest);
    if (facts.artifact_type.empty()) facts.artifact_type = descriptor.media_type;
    if (const Json* layers = fields::find_array(document, "layers")) {
        for (const Json& layer : *layers) {
            const auto digest = oci::descriptor_from_json(layer, "layer").digest;
            if (!is_elsewhere(layer)) facts.blobs.push_back(digest);
        }
    }
}

void read_index(const Json& document, Facts& facts) {
    const Json* manifests = fields::find_array(document, "manifests");
    if (manifests == nullptr) throw Error(ErrorKind::invalid_argument, "index has no manifests");
    for (const Json& manifest : *manifests)
        facts.manifests.push_back(oci::descriptor_from_json(manifest, "manifest").digest);
}

}  // namespace

Facts facts_of(std::string_view document, std::string_view content_type) {
    const Json json = fields::parse_object(document, "manifest", oci::max_document_bytes);
    // CVE-2021-41190: one document must not be an image to one reader and an index to another.
    if (json.contains("manifests") && (json.contains("layers") || json.contains("config"))) {
        throw Error(ErrorKind::invalid_argument, "manifest is both an image and an index");
    }
    if (fields::integer(json, "schemaVersion") != 2)
        throw Error(ErrorKind::invalid_argument, "manifest's schemaVersion is not 2");
    Facts out{.media_type = media_type_of(json, content_type),
              .subject = {},
              .artifact_type = fields::string(json, "artifactType"),
              .annotations = fields::string_map(json, "annotations")};
    if (const Json* subject = fields::find_object(json, "subject"))
        out.subject = oci::descriptor_from_json(*subject, "subject").digest;
    oci::is_index_type(out.media_type) ? read_index(json, out) : read_image(json, out);
    return out;
}

}  // namespace brig::registry::server
