// Image names as docker writes, expands and shortens them: "busybox" is
// "docker.io/library/busybox:latest" and is shown as "busybox:latest".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.h"

namespace brig::oci {

/// A valid, normalised name. `tag` is empty when none was written (see with_default_tag).
struct Reference {
    std::string domain;  ///< "docker.io", "localhost:5000"
    std::string path;    ///< "library/busybox"
    std::string tag;
    std::optional<Digest> digest;

    auto operator<=>(const Reference&) const = default;

    /// Throws Error{invalid_argument} with docker's words ("invalid reference format", …).
    static Reference parse(std::string_view text);
    /// As parse; nothing when the text is not a name.
    static std::optional<Reference> try_parse(std::string_view text);

    /// The same with the tag "latest" when it has neither tag nor digest.
    [[nodiscard]] Reference with_default_tag() const;
    /// "docker.io/library/busybox"
    [[nodiscard]] std::string name() const;
    /// "busybox"
    [[nodiscard]] std::string familiar_name() const;
    /// "docker.io/library/busybox:latest@sha256:…", as far as tag and digest are there.
    [[nodiscard]] std::string str() const;
    /// "busybox:latest"
    [[nodiscard]] std::string familiar() const;
};

/// True for text that can only be an image ID or a prefix of one: hex digits, 1 to 64 of them,
/// optionally after "sha256:".
bool looks_like_id(std::string_view text);

}  // namespace brig::oci
