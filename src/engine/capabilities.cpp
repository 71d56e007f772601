// Docker's arithmetic: "ALL" first, then single names; dropping wins over the defaults, adding
// over dropping ALL.
#include "engine/capabilities.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "oci/runtime_defaults.h"

namespace brig::engine {
namespace {

std::set<std::string> normalise(const Strings& names, std::string_view option) {
    const auto& known = oci::all_capabilities();
    std::set<std::string> out;
    for (const auto& given : names) {
        std::string name;
        for (const char c : given)
            name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (name != "ALL" && !name.starts_with("CAP_")) name.insert(0, "CAP_");
        if (name == "CAP_ALL") name = "ALL";
        if (name != "ALL" && std::ranges::find(known, name) == known.end()) {
            throw Error(ErrorKind::invalid_argument, "invalid {}: unknown capability: \"{}\"",
                        option, name);
        }
        out.insert(name);
    }
    return out;
}

}  // namespace

Strings container_capabilities(const HostConfig& host) {
    const auto add = normalise(host.cap_add, "CapAdd");
    const auto drop = normalise(host.cap_drop, "CapDrop");
    if (host.privileged) return oci::all_capabilities();
    const auto& defaults = oci::default_capabilities();
    Strings out;
    for (const auto& name : oci::all_capabilities()) {
        const bool by_default = std::ranges::find(defaults, name) != defaults.end();
        const bool added = add.contains(name) || (add.contains("ALL") && !drop.contains(name));
        const bool dropped = drop.contains(name) || drop.contains("ALL");
        if (added || (by_default && !dropped)) out.push_back(name);
    }
    return out;
}

}  // namespace brig::engine
