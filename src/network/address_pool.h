// The addresses of one subnet: which are free, and which comes next.
#pragma once

#include <set>

#include "os/net_address.h"

namespace brig::network {

/// Not thread-safe.
class AddressPool {
public:
    /// Gateway, network and broadcast addresses are never given out.
    explicit AddressPool(os::Ipv4Interface gateway);

    /// The next free one after the last given out, around the subnet: a released address rests as
    /// long as possible, since neighbours remember whose it was. Throws unavailable.
    os::Ipv4Address take();
    /// A particular one. Throws invalid_argument outside the subnet, conflict when in use.
    os::Ipv4Address take(os::Ipv4Address address);
    void release(os::Ipv4Address address);
    /// How many are left.
    [[nodiscard]] std::size_t available() const;
    [[nodiscard]] const os::Ipv4Interface& gateway() const { return gateway_; }

private:
    [[nodiscard]] bool usable(os::Ipv4Address address) const;
    os::Ipv4Interface gateway_;
    std::set<os::Ipv4Address> used_;
    std::uint32_t last_;
};

}  // namespace brig::network
