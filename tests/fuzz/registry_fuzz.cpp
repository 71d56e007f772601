// What a registry says outside of its documents: challenges, locations, errors; what its server is
// sent; names by SSH.
#include <cstdint>
#include <cstdlib>

#include "registry/challenge.h"
#include "registry/errors.h"
#include "registry/management.h"
#include "registry/server/facts.h"
#include "registry/url.h"

using namespace brig;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const registry::Url base = registry::Url::parse("https://registry.example:5000/v2/a/");
    for (const auto& challenge : registry::parse_challenges(text)) {
        if (challenge.scheme.empty()) std::abort();
    }
    try {
        const auto facts = registry::server::facts_of(text, "");
        if (facts.media_type.empty()) std::abort();
    } catch (const Error&) {
        // The only way to refuse.
    }
    registry::next_page({.status = 200, .headers = {{"link", std::string(text)}}});
    try {
        if (const auto name = oci::parse_ssh_name("ssh://" + std::string(text))) {
            if (oci::SshAddress::parse(name->address).host.starts_with('-')) std::abort();
        }
    } catch (const Error&) {
        // The only way to refuse.
    }
    const auto error = registry::registry_error({.status = 404}, text, base);
    for (const unsigned char c : error.message()) {
        if (c < ' ' || c == 0x7f) std::abort();
    }
    try {
        const auto url = base.resolve(text);
        if (!registry::Url::parse(url.text).same_origin(url)) std::abort();
    } catch (const Error&) {
        // The only way to refuse.
    }
    return 0;
}
