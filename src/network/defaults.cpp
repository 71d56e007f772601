// Names and subnet for an engine, from the place where it runs.
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/defer.h"
#include "base/digest.h"
#include "base/error.h"
#include "network/network.h"

namespace brig::network {
namespace {

struct HostAddress {
    std::string interface;
    Ipv4Interface address;
};

std::vector<HostAddress> host_addresses() {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) throw SysError("list the addresses of this host");
    const Defer release([&] { ::freeifaddrs(first); });
    std::vector<HostAddress> addresses;
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_netmask == nullptr ||
            at->ifa_addr->sa_family != AF_INET)
            continue;
        const auto value = [](const sockaddr* address) {
            return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
        };
        const auto prefix = static_cast<unsigned>(std::popcount(value(at->ifa_netmask)));
        addresses.push_back({at->ifa_name, {Ipv4Address(value(at->ifa_addr)), prefix}});
    }
    return addresses;
}

std::string host_name() {
    std::array<char, 256> name{};
    (void)::gethostname(name.data(), name.size() - 1);
    return name.data();
}

bool overlap(const Ipv4Interface& one, const Ipv4Interface& other) {
    return one.contains(other.address) || other.contains(one.address);
}

Ipv4Interface choose_gateway(const std::string& bridge,
                             const std::vector<Ipv4Interface>& candidates) {
    const auto hosts = host_addresses();
    const auto own = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const auto& host) { return host.interface == bridge; });
    // Running containers may have addresses of the subnet that was chosen before.
    if (own != hosts.end()) return own->address;
    const auto is_free = [&](const Ipv4Interface& candidate) {
        return std::none_of(hosts.begin(), hosts.end(),
                            [&](const auto& host) { return overlap(host.address, candidate); });
    };
    const auto found = std::find_if(candidates.begin(), candidates.end(), is_free);
    if (found != candidates.end()) return *found;
    throw Error(ErrorKind::unavailable, "no subnet for bridge {} is free of the host's addresses",
                bridge);
}

}  // namespace

Config config_for(const std::filesystem::path& run_dir) {
    Config config{.run_dir = run_dir};
    std::vector<Ipv4Interface> candidates;
    const auto place = run_dir.lexically_normal().native();
    if (place == "/run/brig" || place == "/var/run/brig") {
        for (std::uint32_t second : {30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 31, 19, 18}) {
            candidates.push_back({Ipv4Address(172U << 24U | second << 16U | 1U), 16});
        }
    } else {
        const auto digest = Digest::of(place);
        const std::string hash(digest.hex());
        config.bridge = "brig" + hash.substr(0, 6);
        config.firewall = "brig_" + hash.substr(0, 8);
        config.link_prefix = "bv" + hash.substr(0, 5);
        // One of 512 subnets of 10.224.0.0/11.
        const auto start = static_cast<std::uint32_t>(std::stoul(hash.substr(0, 6), nullptr, 16));
        for (std::uint32_t i = 0; i < 64; ++i) {
            candidates.push_back(
                {Ipv4Address(10U << 24U | 224U << 16U | ((start + i) % 512U) << 12U | 1U), 20});
        }
    }
    config.gateway = choose_gateway(config.bridge, candidates);
    return config;
}

Ipv6Interface gateway6_for(const Config& config, const std::string& subnet) {
    Ipv6Interface gateway;
    if (subnet.empty()) {
        // fd, 40 bits that are hardly anybody else's, subnet 0.
        const auto digest = Digest::of(fmt::format("{} {}", host_name(), config.run_dir.native()));
        Ipv6Address::Bytes bytes{0xfd};
        for (std::size_t i = 1; i < 6; ++i) {
            const auto digits = std::string(digest.hex().substr(2 * i, 2));
            bytes.at(i) = static_cast<std::uint8_t>(std::stoul(digits, nullptr, 16));
        }
        gateway = {Ipv6Address(bytes), 64};
    } else {
        gateway = Ipv6Interface::parse(subnet);
    }
    const unsigned host_bits = 32 - config.gateway.prefix;
    if (gateway.prefix > 128 - host_bits || gateway.prefix == 0 || gateway.address.link_local() ||
        gateway.address.bytes()[0] == 0xff) {
        throw Error(ErrorKind::invalid_argument,
                    "{} is not an IPv6 subnet for containers: it must have a prefix of at most /{} "
                    "and neither be link-local nor multicast",
                    gateway.str(), 128 - host_bits);
    }
    return gateway.at(config.gateway.address.value() & ~config.gateway.mask());
}

}  // namespace brig::network
