// The packet filter's share of container networking, in rules of our own only (Linux: one nftables
// table; FreeBSD: one PF anchor): masquerading, forwarding, published ports.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "os/net_address.h"

namespace brig::os {

struct PortForward {
    Protocol protocol = Protocol::tcp;
    IpAddress host_ip;  ///< 0.0.0.0 or ::: every address of the host, of that family
    std::uint16_t host_port = 0;
    IpAddress container_ip;  ///< of the same family
    std::uint16_t container_port = 0;

    auto operator<=>(const PortForward&) const = default;
};

struct FirewallConfig {
    std::string name;    ///< of the table or anchor
    std::string bridge;  ///< interface
    Ipv4Interface gateway;
    /// Nothing: no rules for IPv6; forwards of that family are not looked at.
    std::optional<Ipv6Interface> gateway6 = {};
};

/// Thread-safe.
class Firewall {
public:
    virtual ~Firewall() = default;
    /// Puts the whole rule set in place, at once, with exactly these ports published: at start-up
    /// and whenever it may have been lost.
    virtual void install(const std::vector<PortForward>& forwards) = 0;
    /// All or none. Needs `install` before it.
    virtual void publish(const std::vector<PortForward>& forwards) = 0;
    /// Where the rules name the host's interfaces, these may be others by now (which the firewall
    /// also notices itself, a moment after it has happened).
    virtual void refresh() {}
    /// Absent ones are fine.
    virtual void unpublish(const std::vector<PortForward>& forwards) = 0;
    /// Removes everything of ours.
    virtual void remove() = 0;
};

/// Whether published ports also lead connections of this host's own programs to the container
/// (Linux, IPv4; from ::1 nothing is routed); PF redirects only what comes in (FreeBSD).
bool redirects_own_connections(const IpAddress& host_ip);

std::unique_ptr<Firewall> make_firewall(FirewallConfig config);

}  // namespace brig::os
