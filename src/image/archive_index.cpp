// See archive_index.h.
#include "image/archive_index.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "archive/stream.h"
#include "base/error.h"
#include "base/strings.h"
#include "oci/document.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

namespace fields = oci::fields;

constexpr std::size_t max_images = 1000;
constexpr int max_index_depth = 3;

const ArchiveFile& file_at(const ArchiveFiles& files, const std::string& path) {
    const auto found = files.find(path);
    if (found == files.end()) {
        throw Error(ErrorKind::invalid_argument, "image archive has no file {:?}",
                    path.substr(0, 200));
    }
    return found->second;
}

std::string read_document(const content::Store& content, const Digest& digest) {
    return content.read(digest, oci::max_document_bytes);
}

oci::Descriptor layer_descriptor(const content::Store& content, const ArchiveFile& file) {
    const Fd blob = content.open(file.digest);
    const auto source = archive::from_fd(blob.get());
    auto type = oci::media_type::layer;
    switch (archive::detect(source->next())) {
        case archive::Compression::gzip: type = oci::media_type::layer_gzip; break;
        case archive::Compression::zstd: type = oci::media_type::layer_zstd; break;
        case archive::Compression::none: break;
        default:
            throw Error(ErrorKind::invalid_argument, "layer {} is neither plain, gzip nor zstd",
                        file.digest.str());
    }
    return {.media_type = std::string(type), .digest = file.digest, .size = file.size};
}

/// Images by OCI index, keyed by configuration.
using Manifests = std::vector<ArchivedImage>;

std::optional<oci::Reference> name_from(const std::map<std::string, std::string>& annotations) {
    if (const auto full = annotations.find("io.containerd.image.name"); full != annotations.end()) {
        return oci::Reference::parse(full->second).with_default_tag();
    }
    // By the specification only a tag; some writers put the whole name there.
    const auto name = annotations.find("org.opencontainers.image.ref.name");
    if (name == annotations.end() || name->second.find_first_of(":/") == std::string::npos)
        return std::nullopt;
    const auto parsed = oci::Reference::try_parse(name->second);
    return parsed ? std::optional(parsed->with_default_tag()) : std::nullopt;
}

void add_from_index(const content::Store& content, const oci::Index& index, int depth,
                    Manifests& out);

void add_manifest(const content::Store& content, const oci::Descriptor& descriptor, int depth,
                  Manifests& out) {
    // An archive of one platform may carry the index of all.
    if (!content.has(descriptor.digest)) return;
    const auto parsed = oci::parse_manifest_or_index(read_document(content, descriptor.digest),
                                                     descriptor.media_type);
    const auto name = name_from(descriptor.annotations);
    const std::size_t first = out.size();
    if (const auto* index = std::get_if<oci::Index>(&parsed)) {
        if (depth >= max_index_depth)
            throw Error(ErrorKind::invalid_argument, "indexes are nested too deeply");
        add_from_index(content, *index, depth + 1, out);
    } else {
        const auto& config = std::get<oci::Manifest>(parsed).config;
        const bool is_image = config.media_type.empty() ||
                              config.media_type == oci::media_type::config ||
                              config.media_type == oci::media_type::docker_config;
        if (!is_image) return;  // some other artifact
        out.push_back({descriptor.digest, config.digest, {}});
    }
    if (!name) return;
    for (std::size_t i = first; i < out.size(); ++i) out[i].names.push_back(*name);
}

/// Of several platforms the host's is taken; attestations are of none.
void add_from_index(const content::Store& content, const oci::Index& index, int depth,
                    Manifests& out) {
    const auto host = oci::Platform::host();
    for (const auto& manifest : index.manifests) {
        if (manifest.platform && (depth > 0 || manifest.platform->os == "unknown") &&
            !host.accepts(*manifest.platform)) {
            continue;
        }
        add_manifest(content, manifest, depth, out);
        if (out.size() > max_images) {
            throw Error(ErrorKind::invalid_argument, "image archive has more than {} images",
                        max_images);
        }
    }
}

Manifests read_index(const content::Store& content, const ArchiveFiles& files) {
    Manifests found;
    const auto index = files.find("index.json");
    if (index == files.end()) return found;
    try {
        add_from_index(content, oci::parse_index(read_document(content, index->second.digest)), 0,
                       found);
    } catch (const Error& e) {
        throw e.within("index.json");
    }
    // Several names of one image are several entries.
    Manifests out;
    for (auto& image : found) {
        const auto same = std::ranges::find(out, image.manifest, &ArchivedImage::manifest);
        if (same == out.end()) {
            out.push_back(std::move(image));
        } else {
            same->names.insert(same->names.end(), image.names.begin(), image.names.end());
        }
    }
    return out;
}

bool has_layers(const content::Store& content, const ArchivedImage& image,
                const std::vector<Digest>& layers) {
    const auto manifest = oci::parse_manifest(read_document(content, image.manifest));
    return std::ranges::equal(manifest.layers, layers, {}, &oci::Descriptor::digest);
}

/// The manifest in index.json for an element of manifest.json: where there are several, of other
/// blobs of the same layers, the one with its blobs.
const ArchivedImage* find_manifest(const content::Store& content, const ArchiveFiles& files,
                                   const fields::Json& item, const Manifests& manifests) {
    std::vector<const ArchivedImage*> same;
    const Digest config = file_at(files, fields::string(item, "Config")).digest;
    for (const auto& image : manifests) {
        if (image.config == config) same.push_back(&image);
    }
    if (same.size() < 2) return same.empty() ? nullptr : same.front();
    std::vector<Digest> layers;
    for (const auto& layer : fields::strings(item, "Layers"))
        layers.push_back(file_at(files, layer).digest);
    const auto exact = std::ranges::find_if(
        same, [&](const auto* image) { return has_layers(content, *image, layers); });
    return exact == same.end() ? same.front() : *exact;
}

/// One element of manifest.json.
ArchivedImage read_docker_image(content::Store& content, const ArchiveFiles& files,
                                const fields::Json& item, const Manifests& manifests) {
    if (!item.is_object())
        throw Error(ErrorKind::invalid_argument, "an image is not a JSON object");
    const ArchiveFile& config = file_at(files, fields::string(item, "Config"));
    ArchivedImage out{config.digest, config.digest, {}};
    for (const auto& name : fields::strings(item, "RepoTags")) {
        out.names.push_back(oci::Reference::parse(name).with_default_tag());
    }
    if (const auto* known = find_manifest(content, files, item, manifests)) {
        out.manifest = known->manifest;
        return out;
    }
    oci::Manifest manifest{.config = {.media_type = std::string(oci::media_type::config),
                                      .digest = config.digest,
                                      .size = config.size}};
    for (const auto& layer : fields::strings(item, "Layers")) {
        manifest.layers.push_back(layer_descriptor(content, file_at(files, layer)));
    }
    out.manifest = content.put(manifest.to_json());
    return out;
}

std::vector<ArchivedImage> read_docker_manifest(content::Store& content, const ArchiveFiles& files,
                                                const Manifests& manifests) {
    const auto json = nlohmann::json::parse(
        read_document(content, files.at("manifest.json").digest), nullptr, false);
    if (!json.is_array()) throw Error(ErrorKind::invalid_argument, "not a JSON array");
    if (json.size() > max_images)
        throw Error(ErrorKind::invalid_argument, "more than {} images", max_images);
    std::vector<ArchivedImage> out;
    for (const auto& item : json) out.push_back(read_docker_image(content, files, item, manifests));
    return out;
}

}  // namespace

std::vector<ArchivedImage> find_images(content::Store& content, const ArchiveFiles& files) {
    const Manifests manifests = read_index(content, files);
    if (files.contains("manifest.json")) {
        try {
            return read_docker_manifest(content, files, manifests);
        } catch (const Error& e) {
            throw e.within("manifest.json");
        }
    }
    if (manifests.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    files.contains("index.json")
                        ? "image archive has no image for this platform"
                        : "not an image archive: it has neither manifest.json nor index.json "
                          "(a root file system is read by \"import\")");
    }
    return manifests;
}

}  // namespace brig::image
