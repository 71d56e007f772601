// brigd's userns-remap: whose numbers the containers' users are on the host, by docker's rules.
#pragma once

#include <filesystem>
#include <string>

#include "archive/owner_map.h"
#include "engine/users.h"

namespace brig::engine {

/// The host's texts; administrators and packages write them by hand.
struct HostAccounts {
    Accounts accounts;
    std::string subuid, subgid;
};

HostAccounts read_host_accounts();

/// `setting`: "user", "user:group", with names or numbers that have entries, or "default", which is
/// the user dockremap. All ranges that the user has in subuid and subgid, one after the other,
/// whatever the group. Empty for an empty setting and, with a warning, for root. Throws
/// Error{invalid_argument} saying what is missing where.
archive::OwnerMap remapped_owners(const std::string& setting, const HostAccounts& host);

/// ROOT/USER.GROUP of the containers' root, so that stores in different numbers never mix; ROOT
/// itself without a mapping.
std::filesystem::path store_of(const std::filesystem::path& root, const archive::OwnerMap& owners);

}  // namespace brig::engine
