// Image manifests and indexes, OCI and docker schema 2, from hostile bytes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "oci/descriptor.h"

namespace brig::oci {

/// Documents larger than this are refused unread (CVE-2023-25153).
inline constexpr std::size_t max_document_bytes = 8U << 20U;

struct Manifest {
    std::string media_type = std::string(media_type::manifest);
    Descriptor config;
    std::vector<Descriptor> layers;
    std::map<std::string, std::string> annotations;

    [[nodiscard]] std::string to_json() const;
};

struct Index {
    std::string media_type = std::string(media_type::index);
    std::vector<Descriptor> manifests;
    std::map<std::string, std::string> annotations;

    [[nodiscard]] std::string to_json() const;
};

/// A document with both `layers` and `manifests`, or whose mediaType contradicts its content or
/// `expected_type` (if given), is refused (CVE-2021-41190). Throws Error{invalid_argument}.
std::variant<Manifest, Index> parse_manifest_or_index(std::string_view text,
                                                      std::string_view expected_type = {});
Manifest parse_manifest(std::string_view text);
Index parse_index(std::string_view text);

}  // namespace brig::oci
