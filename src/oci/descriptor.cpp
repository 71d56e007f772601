// See descriptor.h.
#include "oci/descriptor.h"

#include "oci/document.h"

namespace brig::oci {
namespace {

Platform platform_from_json(const nlohmann::json& json) {
    return {.os = fields::string(json, "os"),
            .architecture = fields::string(json, "architecture"),
            .variant = fields::string(json, "variant"),
            .os_version = fields::string(json, "os.version")};
}

nlohmann::json platform_to_json(const Platform& platform) {
    nlohmann::json out{{"architecture", platform.architecture}, {"os", platform.os}};
    if (!platform.variant.empty()) out["variant"] = platform.variant;
    if (!platform.os_version.empty()) out["os.version"] = platform.os_version;
    return out;
}

Descriptor read_descriptor(const nlohmann::json& json) {
    if (!json.is_object()) throw Error(ErrorKind::invalid_argument, "not an object");
    const std::string digest = fields::string(json, "digest");
    if (digest.empty()) throw Error(ErrorKind::invalid_argument, "field \"digest\" is missing");
    Descriptor out{.media_type = fields::string(json, "mediaType"),
                   .digest = Digest::parse(digest),
                   .size = fields::integer(json, "size")};
    if (out.size < 0) throw Error(ErrorKind::invalid_argument, "field \"size\" is negative");
    if (const auto* platform = fields::find_object(json, "platform")) {
        out.platform = platform_from_json(*platform);
    }
    out.annotations = fields::string_map(json, "annotations");
    return out;
}

}  // namespace

Descriptor descriptor_from_json(const nlohmann::json& json, std::string_view what) {
    try {
        return read_descriptor(json);
    } catch (const Error& e) {
        throw e.within(what);
    }
}

nlohmann::json to_json(const Descriptor& descriptor) {
    nlohmann::json out{{"mediaType", descriptor.media_type},
                       {"digest", descriptor.digest.str()},
                       {"size", descriptor.size}};
    if (descriptor.platform) out["platform"] = platform_to_json(*descriptor.platform);
    if (!descriptor.annotations.empty()) out["annotations"] = descriptor.annotations;
    return out;
}

bool is_index_type(std::string_view type) {
    return type == media_type::index || type == media_type::docker_index;
}

bool is_manifest_type(std::string_view type) {
    return type == media_type::manifest || type == media_type::docker_manifest;
}

}  // namespace brig::oci
