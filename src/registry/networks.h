// Networks of either family, as settings name them.
#pragma once

#include <string>

namespace brig::registry {

/// Whether an address is within "10.0.0.0/8"; no name is, and nothing is within what is no network.
bool is_in_network(const std::string& address, const std::string& network);

}  // namespace brig::registry
