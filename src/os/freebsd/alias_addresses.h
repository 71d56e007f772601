// Addresses that an interface of the host's has as long as a jail is there (freebsd.jail.interface,
// `interface` of jail(8)).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "os/net_address.h"
#include "os/sandbox_spec.h"

namespace brig::os {

struct AliasAddresses {
    std::string interface;
    /// A host's own where the jail says no prefix.
    std::vector<std::variant<Ipv4Interface, Ipv6Interface>> addresses;

    /// Empty without an interface. Throws for addresses that are none, and for such as the host has
    /// already: they would be taken from it when the jail goes.
    static AliasAddresses of(const Jail& jail);

    /// "em0 192.0.2.7/32 2001:db8::7/128", and back.
    [[nodiscard]] std::string text() const;
    static AliasAddresses parse(std::string_view text);

    void add() const;
    /// What is not there is fine.
    void remove() const;
};

}  // namespace brig::os
