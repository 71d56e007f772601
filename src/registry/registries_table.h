// [[registry]] in brigd.toml: where images come from, in the words of
// containers-registries.conf(5). Include in .cpp files only.
#pragma once

#include <set>
#include <string>

#include "base/toml.h"
#include "registry/settings.h"

namespace brig::registry {

struct RegistriesTable {
    std::set<std::string> insecure;
    Mirrors mirrors;
};

/// The value of the key `registry`. Throws Error{invalid_argument} that names `file`, the registry
/// and the key.
RegistriesTable read_registries(const toml::node& tables, const std::string& file);

}  // namespace brig::registry
