// See layout_index.h.
#include "image/layout_index.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/document.h"
#include "oci/manifest.h"

namespace brig::image {
using Json = nlohmann::json;

/// Manifests do not change: each is read once.
const oci::Descriptor& LayoutIndex::manifest_of(const Image& image) {
    const auto known = manifests_.find(image.manifest);
    if (known != manifests_.end()) return known->second;
    const auto text = content_.read(image.manifest, oci::max_document_bytes);
    return manifests_
        .emplace(image.manifest, oci::Descriptor{.media_type = oci::parse_manifest(text).media_type,
                                                 .digest = image.manifest,
                                                 .size = static_cast<std::int64_t>(text.size()),
                                                 .platform = image.config.platform})
        .first->second;
}

void LayoutIndex::update(const Records& records) try {
    Json manifests = Json::array();
    std::set<Digest> named;
    for (const auto& [text, id] : records.tables().names) {
        const auto name = oci::Reference::parse(text);
        if (name.digest) continue;
        auto entry = manifest_of(*records.by_name(text));
        named.insert(entry.digest);
        entry.annotations = {{"io.containerd.image.name", name.str()},
                             {"org.opencontainers.image.ref.name", name.familiar()}};
        manifests.push_back(oci::to_json(entry));
    }
    std::string text = oci::fields::dump({{"schemaVersion", 2},
                                          {"mediaType", oci::media_type::index},
                                          {"manifests", std::move(manifests)}});
    std::erase_if(manifests_, [&](const auto& known) { return !named.contains(known.first); });
    if (text == written_) return;
    write_file_atomic(content_.root() / "index.json", text, 0644, Durability::rebuildable);
    written_ = std::move(text);
} catch (const Error& e) {
    log::warn("index.json of the content store is out of date: {}", e.message());
}

}  // namespace brig::image
