// Addresses and networks of either family, as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace brig::registry {

/// IPv4 as ::ffff:a.b.c.d.
using Address = std::array<std::uint8_t, 16>;
/// Nothing for a name.
std::optional<Address> parse_address(const std::string& text);

/// Whether an address is within "10.0.0.0/8"; no name is, and nothing is within what is no network.
bool is_in_network(const std::string& address, const std::string& network);

}  // namespace brig::registry
