// Networks as the engine knows them: the default bridge, host and none; the address, the link and
// the published ports of every container on the bridge. Each endpoint is recorded in the run
// directory once it is made; what is not recorded is removed at the next start (`repair`).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/time.h"
#include "os/net_address.h"

namespace brig::network {

using os::IpAddress;
using os::Ipv4Address;
using os::Ipv4Interface;
using os::Ipv6Address;
using os::Ipv6Interface;
using os::MacAddress;
using os::Protocol;

/// True where the network is made before the container and joined by path (Linux: put
/// Endpoint::sandbox_path into config.json's network namespace); false where it is attached to the
/// container's jail between create and start (FreeBSD).
bool precedes_create();

struct Config {
    /// RUN: netns/ and network/ are made beneath it.
    std::filesystem::path run_dir;
    std::string bridge = "brig0";
    /// Gateway address of the bridge and the prefix of its subnet.
    Ipv4Interface gateway = Ipv4Interface::parse("172.30.0.1/16");
    /// Of IPv6 on the bridge, which is off without; see gateway6_for.
    std::optional<Ipv6Interface> gateway6 = {};
    /// Whether the firewall has rules for IPv6.
    bool ip6tables = true;
    /// Name of the nftables table or PF anchor.
    std::string firewall = "brig";
    /// Beginning of the names of our host-side interfaces: at most 7 letters or digits.
    std::string link_prefix = "brv";
    /// 0: the kernel's default.
    unsigned mtu = 0;
    /// Ready-made links kept in stock; of no use where containers make their own namespaces.
    unsigned pool = 4;
};

/// The configuration for an engine that runs in `run_dir`: the names above for /run/brig (or
/// /var/run/brig), names made from the path for others, so that engines run side by side; and the
/// subnet that the bridge has, or else the first of a list that no interface of the host overlaps.
Config config_for(const std::filesystem::path& run_dir);

/// The bridge's address in an IPv6 subnet, given as text or, if that is empty, made for this place
/// from the unique local ones (RFC 4193). Containers have the same place in it that they have in
/// the IPv4 subnet, so it must have room for these: throws Error{invalid_argument}.
Ipv6Interface gateway6_for(const Config& config, const std::string& subnet);

/// One `-p`; docker's PortBinding with its key.
struct PortRequest {
    /// 0.0.0.0, ::: every address of that family; nothing: every address.
    std::optional<IpAddress> host_ip = {};
    std::uint16_t host_first = 0;  ///< 0: a free one of the ephemeral range
    std::uint16_t host_last = 0;   ///< of a range of host ports to choose from; 0: host_first
    std::uint16_t container_port = 0;
    Protocol protocol = Protocol::tcp;

    bool operator==(const PortRequest&) const = default;
};

/// From docker's API form: "80/tcp", "" or "127.0.0.1", "" or "8080" or "8000-8010". Throws
/// Error{invalid_argument}.
PortRequest parse_port_binding(std::string_view container, std::string_view host_ip,
                               std::string_view host_port);

struct PublishedPort {
    IpAddress host_ip;
    std::uint16_t host_port = 0;
    std::uint16_t container_port = 0;
    Protocol protocol = Protocol::tcp;

    bool operator==(const PublishedPort&) const = default;
};

struct AttachRequest {
    std::string container_id;    ///< 64 hex digits
    std::string container_name;  ///< for messages
    std::string network = "bridge";
    /// The id of the sandbox to connect (FreeBSD); unused on Linux.
    std::string jail;
    /// Linux: the first process of a container that has made its own network namespace, as one in a
    /// user namespace has to; 0: the network is made here.
    int pid = 0;
    std::vector<PortRequest> ports;
    std::optional<MacAddress> mac;
    std::optional<Ipv4Address> ip;
};

/// A container that outlived the engine.
struct LiveContainer {
    std::string id;
    int pid = 0;  ///< of its first process
};

struct Endpoint {
    std::string id;  ///< 64 hex digits; docker's EndpointID
    std::string container_id;
    std::string container_name;
    std::string network;
    std::string network_id;
    /// docker's SandboxKey: a link to the network namespace. Empty on FreeBSD.
    std::filesystem::path sandbox_path;
    std::string link;  ///< host-side interface
    Ipv4Interface address;
    Ipv4Address gateway;
    std::optional<Ipv6Interface> address6 = {};
    Ipv6Address gateway6 = {};  ///< where there is an address6
    MacAddress mac;
    std::vector<PublishedPort> ports;
};

struct NetworkInfo {
    std::string name;
    std::string id;      ///< 64 hex digits, the same in every run
    std::string driver;  ///< "bridge", "host", "null"
    Instant created;
    std::optional<Ipv4Interface> gateway;  ///< bridge only
    std::optional<Ipv6Interface> gateway6 = {};
    std::map<std::string, std::string> options;
    std::vector<Endpoint> endpoints;
};

/// Thread-safe. Construction makes only directories; bridge, firewall and stock are made in the
/// background, and whoever attaches first waits for them or gets their failure.
class Networks {
public:
    explicit Networks(Config config);
    /// Waits for pending removals and drops the stock. Endpoints stay, for the next engine, and all
    /// that they need; without any, bridge and firewall rules go too.
    ~Networks();
    Networks(const Networks&) = delete;
    Networks& operator=(const Networks&) = delete;

    /// Call once at start-up, before attach: adopts the endpoints of `live` containers (their
    /// addresses, their ports, the firewall's rules) and removes everything else of ours.
    void repair(const std::vector<LiveContainer>& live);

    /// Makes anew what somebody may have taken away: the bridge and its address, the firewall's
    /// rules. Does nothing before they are first wanted.
    void renew();

    /// Connects a container to the "bridge". Throws with nothing left behind: internal, as docker
    /// has it and with docker's texts, for a taken port; unavailable when addresses are exhausted.
    Endpoint attach(const AttachRequest& request);
    /// Call after the container is created: its process keeps the namespace from then on, and we
    /// need not. (Namespaces are not bind-mounted: a thousand mounts would add 3 ms to the start
    /// of every container, which copies the mount table.)
    void started(const std::string& container_id, int pid);
    /// Absent is fine. Links go in the background; their addresses are free again after that.
    void detach(const std::string& container_id);
    /// For a container without a network: a namespace made in advance, since making one has to
    /// wait for everybody else's being made and ending. It lasts as long as what is returned or a
    /// process in it; empty where the sandbox brings its own.
    Fd isolate();
    /// Follows a rename, for inspect.
    void rename(const std::string& container_id, const std::string& name);

    [[nodiscard]] std::optional<Endpoint> find(const std::string& container_id) const;
    /// bridge, host, none.
    [[nodiscard]] std::vector<NetworkInfo> list() const;
    /// By name, identifier or unambiguous beginning of it. Throws Error{not_found}
    /// "network NAME not found".
    [[nodiscard]] NetworkInfo inspect(const std::string& name_or_id) const;

    /// Waits until everything detached is gone from the kernel.
    void flush();
    /// Removes bridge, firewall and everything else of ours from the host: for tests and uninstall.
    void remove_all();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace brig::network
