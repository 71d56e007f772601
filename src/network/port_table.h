// Host ports in use by containers. Each is also held by a bound socket of ours, so that no program
// of the host can take it meanwhile, nor we one of its.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "network/network.h"

namespace brig::network {

/// Not thread-safe.
class PortTable {
public:
    struct Owner {
        std::string name;  ///< of the container
        std::string endpoint_id;
        Ipv4Address address;
        bool ipv6 = false;  ///< it has an address of that, too
    };
    /// Reserves all or none, in order. Throws Error{internal} in docker's words.
    std::vector<PublishedPort> reserve(const std::vector<PortRequest>& requests,
                                       const Owner& owner);
    /// A port that was published before we started. The table has it even when a program of the
    /// host has got hold of it meanwhile; then the log says so.
    void adopt(const PublishedPort& port);
    void release(const std::vector<PublishedPort>& ports);
    /// The socket that holds a port; nothing where another program has it.
    [[nodiscard]] Fd socket_of(const PublishedPort& port) const;

private:
    std::vector<PublishedPort> reserve_one(const PortRequest& request, const Owner& owner);
    std::vector<PublishedPort> hold_all(const std::vector<IpAddress>& ips, PublishedPort port,
                                        const Owner& owner);
    PublishedPort hold_one(PublishedPort port, const Owner& owner);
    [[nodiscard]] bool taken(const PublishedPort& port) const;
    void hold(const PublishedPort& port, Fd socket);

    /// By protocol and port, then by host address.
    std::map<std::pair<Protocol, std::uint16_t>, std::map<IpAddress, Fd>> held_;
};

}  // namespace brig::network
