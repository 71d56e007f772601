// docker-credential-NAME programs: a verb as argument, JSON in and out.
#pragma once

#include <optional>
#include <string>

#include "cli/registry_login.h"

namespace brig::cli {

/// Nothing when it has no credentials for the server. Throws Error naming the program.
std::optional<RegistryLogin> helper_get(const std::string& helper, const std::string& key);
void helper_store(const std::string& helper, const std::string& key, const RegistryLogin& login);
void helper_erase(const std::string& helper, const std::string& key);

}  // namespace brig::cli
