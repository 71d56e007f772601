// What a registry says outside of its documents: challenges, locations, errors, tokens, lists; what
// its server is sent; names by SSH; and the table of registries.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "registry/challenge.h"
#include "registry/errors.h"
#include "registry/management.h"
#include "registry/registries_table.h"
#include "registry/replies.h"
#include "registry/server/facts.h"
#include "registry/url.h"

using namespace brig;

template <typename Action>
static void try_parse(Action action) {
    try {
        action();
    } catch (const Error&) {
        // The only way to refuse.
    }
}

static void fuzz_replies(std::string_view text) {
    try_parse([&] {
        const auto reply = registry::parse_token_reply(text, "auth.example");
        if (reply.token.find_first_of("\r\n ") != std::string::npos || reply.lifetime < 1)
            std::abort();
    });
    try_parse([&] { registry::parse_tags(text); });
    try_parse([&] { registry::parse_catalog(text); });
    try_parse([&] {
        if (registry::parse_search(text, 2).size() > 2) std::abort();
    });
    try_parse([&] {
        const auto once = registry::referrers_of_type(text, "a");
        if (registry::referrers_of_type(once, "a") != once) std::abort();
    });
}

/// What toml++ makes of text is its own business (its releases run off a switch for some letters
/// beyond ASCII): what is read from it is ours.
static void fuzz_registries_table(std::string_view text) {
    if (std::ranges::any_of(text, [](unsigned char c) { return c > 0x7f; })) return;
    try {
        const auto table = toml::parse(text);
        const auto* registries = table.get("registry");
        if (registries == nullptr) return;
        for (const auto& [name, mirrors] : registry::read_registries(*registries, "x").mirrors) {
            for (const auto& mirror : mirrors) {
                if (name.empty() || mirror.host.empty()) std::abort();
            }
        }
    } catch (const toml::parse_error&) {
    } catch (const Error&) {
        // The only ways to refuse.
    }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const registry::Url base = registry::Url::parse("https://registry.example:5000/v2/a/");
    for (const auto& challenge : registry::parse_challenges(text)) {
        if (challenge.scheme.empty()) std::abort();
    }
    try_parse([&] {
        const auto facts = registry::server::facts_of(text, "");
        if (facts.media_type.empty()) std::abort();
    });
    registry::next_page({.status = 200, .headers = {{"link", std::string(text)}}});
    try_parse([&] {
        if (const auto name = oci::parse_ssh_name("ssh://" + std::string(text))) {
            if (oci::SshAddress::parse(name->address).host.starts_with('-')) std::abort();
        }
    });
    const auto error = registry::registry_error({.status = 404}, text, base);
    for (const unsigned char c : error.message()) {
        if (c < ' ' || c == 0x7f) std::abort();
    }
    fuzz_replies(text);
    fuzz_registries_table(text);
    try_parse([&] {
        const auto url = base.resolve(text);
        if (!registry::Url::parse(url.text).same_origin(url)) std::abort();
    });
    return 0;
}
