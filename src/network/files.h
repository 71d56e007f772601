// The three files that tell a container about its network: resolv.conf, hosts, hostname.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/net_address.h"

namespace brig::network {

/// --dns, --dns-search, --dns-option. An empty list means the host's.
struct DnsOptions {
    std::vector<std::string> servers;
    std::vector<std::string> search;  ///< "." alone: none
    std::vector<std::string> options;
};

/// The host's resolv.conf: /etc/resolv.conf, or systemd-resolved's list of the real servers when
/// the former names only its stub at 127.0.0.53. Empty when there is none.
std::string host_resolv_conf();

enum class DnsScope { own_network, own_network_with_ipv6, host_network };
/// resolv.conf for a container. On a network of its own, servers on the host's loopback, on one of
/// its links, or of IPv6 without that, are unreachable and dropped; when none is left, docker's
/// fall-back 8.8.8.8, 8.8.4.4.
std::string make_resolv_conf(std::string_view host, const DnsOptions& options, DnsScope scope);

/// hosts. There are no `addresses` without a network. `extra` is --add-host: name and address,
/// where "host-gateway" must have been replaced by the caller.
std::string make_hosts(std::string_view hostname, std::string_view domain,
                       const std::vector<os::IpAddress>& addresses,
                       const std::vector<std::pair<std::string, std::string>>& extra);

std::string make_hostname(std::string_view hostname);

}  // namespace brig::network
