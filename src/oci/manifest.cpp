// See manifest.h.
#include "oci/manifest.h"

#include "oci/document.h"

namespace brig::oci {
namespace {

constexpr std::size_t max_layers = 1000;
constexpr std::size_t max_manifests = 10000;

[[noreturn]] void refuse(std::string_view why) {
    throw Error(ErrorKind::invalid_argument, "invalid manifest: {}", why);
}

std::vector<Descriptor> read_descriptors(const nlohmann::json& json, const char* field,
                                         std::size_t limit) {
    const auto* array = fields::find_array(json, field);
    std::vector<Descriptor> out;
    if (array == nullptr) return out;
    if (array->size() > limit) {
        throw Error(ErrorKind::invalid_argument, "invalid manifest: {} {}, more than {}",
                    array->size(), field, limit);
    }
    for (const auto& item : *array) {
        out.push_back(descriptor_from_json(item, fmt::format("{}[{}]", field, out.size())));
    }
    return out;
}

/// Which of the two a document is must follow from its content and its type alike.
bool is_index(const nlohmann::json& json, std::string_view type) {
    const bool has_manifests = json.contains("manifests");
    const bool has_layers = json.contains("layers") || json.contains("config");
    if (json.contains("fsLayers") || json.contains("signatures")) {
        refuse("docker schema 1 is not supported; push the image again with a current client");
    }
    if (has_manifests && has_layers) refuse("it has both manifests and layers");
    if (!has_manifests && !has_layers) refuse("it has neither manifests nor layers");
    if (has_manifests && is_manifest_type(type))
        refuse("an index with the media type of a manifest");
    if (has_layers && is_index_type(type)) refuse("a manifest with the media type of an index");
    return has_manifests;
}

}  // namespace

std::variant<Manifest, Index> parse_manifest_or_index(std::string_view text,
                                                      std::string_view expected_type) {
    const auto json = fields::parse_object(text, "manifest", max_document_bytes);
    const std::string own_type = fields::string(json, "mediaType");
    if (!own_type.empty() && !is_index_type(own_type) && !is_manifest_type(own_type)) {
        refuse(fmt::format("unknown media type {:?}", own_type.substr(0, 100)));
    }
    if (!own_type.empty() && !expected_type.empty() && own_type != expected_type) {
        refuse(fmt::format("media type {} where {} was announced", own_type, expected_type));
    }
    const std::string_view type = own_type.empty() ? expected_type : std::string_view(own_type);
    if (is_index(json, type)) {
        Index out;
        if (!type.empty()) out.media_type = type;
        out.manifests = read_descriptors(json, "manifests", max_manifests);
        out.annotations = fields::string_map(json, "annotations");
        return out;
    }
    const auto* config = fields::find_object(json, "config");
    if (config == nullptr) refuse("field \"config\" is missing");
    Manifest out{.config = descriptor_from_json(*config, "config")};
    if (!type.empty()) out.media_type = type;
    out.layers = read_descriptors(json, "layers", max_layers);
    out.annotations = fields::string_map(json, "annotations");
    return out;
}

Manifest parse_manifest(std::string_view text) {
    auto parsed = parse_manifest_or_index(text);
    if (auto* manifest = std::get_if<Manifest>(&parsed)) return std::move(*manifest);
    refuse("an index where an image manifest was expected");
}

Index parse_index(std::string_view text) {
    auto parsed = parse_manifest_or_index(text);
    if (auto* index = std::get_if<Index>(&parsed)) return std::move(*index);
    refuse("an image manifest where an index was expected");
}

std::string Manifest::to_json() const {
    nlohmann::json layer_list = nlohmann::json::array();
    for (const auto& layer : layers) layer_list.push_back(oci::to_json(layer));
    nlohmann::json out{{"schemaVersion", 2},
                       {"mediaType", media_type},
                       {"config", oci::to_json(config)},
                       {"layers", std::move(layer_list)}};
    if (!annotations.empty()) out["annotations"] = annotations;
    return fields::dump(out);
}

std::string Index::to_json() const {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& manifest : manifests) list.push_back(oci::to_json(manifest));
    nlohmann::json out{
        {"schemaVersion", 2}, {"mediaType", media_type}, {"manifests", std::move(list)}};
    if (!annotations.empty()) out["annotations"] = annotations;
    return fields::dump(out);
}

}  // namespace brig::oci
