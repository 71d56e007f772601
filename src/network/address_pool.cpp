#include "network/address_pool.h"

#include "base/error.h"

namespace brig::network {

using os::Ipv4Address;

AddressPool::AddressPool(os::Ipv4Interface gateway)
    : gateway_(gateway), last_(gateway.address.value()) {
    if (gateway.prefix < 8 || gateway.prefix > 30) {
        throw Error(ErrorKind::invalid_argument, "subnet {} is not between /8 and /30",
                    gateway.network().str());
    }
}

bool AddressPool::usable(Ipv4Address address) const {
    return gateway_.contains(address) && address != gateway_.address &&
           address != gateway_.network().address && address != gateway_.broadcast();
}

Ipv4Address AddressPool::take() {
    const std::uint32_t size = ~gateway_.mask();
    const std::uint32_t base = gateway_.network().address.value();
    for (std::uint32_t step = 0; step <= size; ++step) {
        last_ = base + ((last_ - base + 1) & size);
        const Ipv4Address address(last_);
        if (usable(address) && used_.insert(address).second) return address;
    }
    throw Error(ErrorKind::unavailable,
                "no available IPv4 addresses on this network's address pools: bridge ({})",
                gateway_.network().str());
}

Ipv4Address AddressPool::take(Ipv4Address address) {
    if (!usable(address)) {
        throw Error(ErrorKind::invalid_argument, "{} is not an address for containers in subnet {}",
                    address.str(), gateway_.network().str());
    }
    if (!used_.insert(address).second)
        throw Error(ErrorKind::conflict, "address {} is already in use", address.str());
    return address;
}

void AddressPool::release(Ipv4Address address) { used_.erase(address); }

std::size_t AddressPool::available() const {
    // All of the subnet but network, broadcast and gateway.
    return std::size_t{~gateway_.mask()} + 1 - 3 - used_.size();
}

}  // namespace brig::network
