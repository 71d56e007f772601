// Which kernel and processor an image is for, in Go's words ("linux", "amd64", "arm64/v8").
#pragma once

#include <string>
#include <string_view>

namespace brig::oci {

struct Platform {
    std::string os;
    std::string architecture;
    std::string variant;  ///< "v7", "v8" or empty
    std::string os_version;

    bool operator==(const Platform&) const = default;

    /// "linux/arm64/v8".
    [[nodiscard]] std::string str() const;
    /// "os/arch[/variant]" or "arch" alone (for this host's kernel). Throws invalid_argument.
    static Platform parse(std::string_view text);
    /// This machine's.
    static Platform host();
    /// True when an image for `image` runs where `*this` is wanted; an image that does not say
    /// fits everywhere.
    [[nodiscard]] bool accepts(const Platform& image) const;
};

}  // namespace brig::oci
