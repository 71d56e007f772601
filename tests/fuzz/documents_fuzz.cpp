// Parses arbitrary bytes as every image document and as a name; what is accepted must survive being
// written and read again.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/reference.h"

using namespace brig;

template <typename Action>
static void try_parse(Action action) {
    try {
        action();
    } catch (const Error&) {
        // The only way to refuse.
    }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try_parse([&] {
        const auto config = oci::ImageConfig::parse(text);
        if (oci::ImageConfig::parse(config.to_json()).to_json() != config.to_json()) std::abort();
    });
    try_parse([&] {
        const auto parsed = oci::parse_manifest_or_index(text);
        if (const auto* manifest = std::get_if<oci::Manifest>(&parsed)) {
            if (oci::parse_manifest(manifest->to_json()).to_json() != manifest->to_json())
                std::abort();
        } else {
            const auto& index = std::get<oci::Index>(parsed);
            if (oci::parse_index(index.to_json()).to_json() != index.to_json()) std::abort();
        }
    });
    if (const auto name = oci::Reference::try_parse(text)) {
        if (oci::Reference::parse(name->str()) != *name) std::abort();
    }
    return 0;
}
