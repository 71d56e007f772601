// See save.h. The layout docker 25 and later write: blobs, index.json, manifest.json, oci-layout.
#include "image/save.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "archive/tar_output.h"
#include "base/error.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::image {
namespace {

using Json = nlohmann::json;

struct Saved {
    Image image;
    std::vector<oci::Reference> names;
};

std::string blob_path(const Digest& digest) { return "blobs/sha256/" + std::string(digest.hex()); }

/// A name given saves that tag, a repository without a tag all its tags, an ID none.
std::vector<Saved> gather(const Store& store, const std::vector<std::string>& names,
                          const std::optional<oci::Platform>& only) {
    std::map<Digest, Saved> by_manifest;
    const auto add = [&](const Image& image, const std::optional<oci::Reference>& name) {
        if (only && !only->accepts(image.config.platform)) return;
        auto& saved = by_manifest.try_emplace(image.manifest, Saved{image, {}}).first->second;
        if (name && std::ranges::find(saved.names, *name) == saved.names.end())
            saved.names.push_back(*name);
    };
    for (const auto& text : names) {
        const auto reference = oci::Reference::try_parse(text);
        const bool whole_repository = reference && reference->tag.empty() && !reference->digest;
        bool found = false;
        for (const auto& image : whole_repository ? store.list(true) : std::vector<Image>{}) {
            for (const auto& tag : image.tags) {
                const auto name = oci::Reference::parse(tag);
                if (name.name() != reference->name()) continue;
                add(store.resolve(tag), name);
                found = true;
            }
        }
        if (found) continue;
        const Image image = store.resolve(text);
        const bool by_name =
            reference && !reference->tag.empty() && !image.id.str().starts_with(text);
        add(image, by_name ? reference : std::nullopt);
    }
    std::vector<Saved> out;
    for (auto& [id, saved] : by_manifest) out.push_back(std::move(saved));
    // Other forms of an image after its own, as load() takes them.
    std::ranges::stable_partition(out, [](const Saved& saved) { return !saved.image.is_form; });
    return out;
}

Json index_entry(const Store& store, const Image& image, const oci::Reference* name) {
    const auto manifest =
        oci::parse_manifest(store.content().read(image.manifest, oci::max_document_bytes));
    oci::Descriptor descriptor{
        .media_type = manifest.media_type,
        .digest = image.manifest,
        .size = static_cast<std::int64_t>(store.content().size(image.manifest).value_or(0)),
        .platform = image.config.platform};
    if (name != nullptr) {
        descriptor.annotations = {{"io.containerd.image.name", name->str()},
                                  {"org.opencontainers.image.ref.name", name->tag}};
    }
    return oci::to_json(descriptor);
}

Json docker_entry(const Saved& saved) {
    Json tags = Json::array();
    for (const auto& name : saved.names) tags.push_back(name.familiar());
    Json layers = Json::array();
    for (const auto& layer : saved.image.layers) layers.push_back(blob_path(layer.digest));
    return {{"Config", blob_path(saved.image.id)},
            {"RepoTags", saved.names.empty() ? Json(nullptr) : std::move(tags)},
            {"Layers", std::move(layers)}};
}

void write_blobs(const content::Store& content, const std::vector<Saved>& images,
                 archive::TarOutput& out) {
    std::set<Digest> digests;
    for (const auto& saved : images) {
        digests.insert(saved.image.id);
        digests.insert(saved.image.manifest);
        for (const auto& layer : saved.image.layers) digests.insert(layer.digest);
    }
    out.add_directory("blobs");
    out.add_directory("blobs/sha256");
    for (const auto& digest : digests) {
        const Fd blob = content.open(digest);
        const auto body = archive::from_fd(blob.get());
        out.add_stream(blob_path(digest), content.size(digest).value_or(0), *body);
    }
}

}  // namespace

void save(Store& store, const std::vector<std::string>& names, int fd,
          const std::optional<oci::Platform>& only) {
    const content::Lease lease = store.content().lease();
    const auto images = gather(store, names, only);
    for (const auto& saved : images) store.keep(saved.image);
    Json manifests = Json::array();
    Json docker = Json::array();
    for (const auto& saved : images) {
        if (saved.names.empty()) manifests.push_back(index_entry(store, saved.image, nullptr));
        for (const auto& name : saved.names)
            manifests.push_back(index_entry(store, saved.image, &name));
        docker.push_back(docker_entry(saved));
    }
    const Json index{{"schemaVersion", 2},
                     {"mediaType", oci::media_type::index},
                     {"manifests", std::move(manifests)}};
    archive::TarOutput out(archive::to_fd(fd));
    write_blobs(store.content(), images, out);
    out.add_bytes("index.json", oci::fields::dump(index));
    out.add_bytes("manifest.json", oci::fields::dump(docker));
    out.add_bytes("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    out.finish();
}

}  // namespace brig::image
