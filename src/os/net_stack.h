// The kernel's network objects that containers need: one bridge with the gateway's address, and
// for each container a link from the bridge into its network namespace (Linux: veth) or VNET jail
// (FreeBSD: epair), with address and default route.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "os/net_address.h"

namespace brig::os {

struct BridgeSpec {
    std::string name;
    Ipv4Interface gateway;
    std::optional<Ipv6Interface> gateway6 = {};  ///< nothing: no IPv6 on it
    unsigned mtu = 0;                            ///< 0: the kernel's default
};

struct LinkSpec {
    std::string container_id;
    std::string jail;  ///< FreeBSD: the sandbox to link, by its id
    int pid = 0;       ///< Linux: of a process whose namespace to link; 0: make a new one
    std::string bridge;
    Ipv4Interface address;
    Ipv4Address gateway;
    std::optional<Ipv6Interface> address6 = {};
    Ipv6Address gateway6 = {};  ///< where there is an address6
    MacAddress mac;
    unsigned mtu = 0;
};

struct Link {
    std::string name;                    ///< of the host's end
    std::filesystem::path sandbox_path;  ///< Linux: leads to the namespace; see NetStack::hand_over
};

/// Throws Error{invalid_argument} unless every byte is a letter, a digit, '_', '-' or '.', and the
/// length is that of an interface name. Everything below checks its names with it.
void check_interface_name(const std::string& name);

/// Thread-safe.
class NetStack {
public:
    virtual ~NetStack() = default;

    /// Idempotent. Also enables forwarding on the host, and says so in the log when it was off.
    virtual void ensure_bridge(const BridgeSpec& bridge) = 0;
    virtual void remove_bridge(const std::string& name) = 0;

    /// Makes the link for `spec` (its container_id, jail and pid are not looked at) before anybody
    /// wants it, so that `connect` with the same address finds it ready. It vanishes with the
    /// process, however that ends. Returns false where there is no such thing.
    virtual bool stock(const LinkSpec& spec) = 0;
    virtual void drop_stock() = 0;

    /// Leaves nothing behind when it throws.
    virtual Link connect(const LinkSpec& spec) = 0;
    /// The container's process `pid` keeps the sandbox alive from now on; sandbox_path leads to it.
    virtual void hand_over(const std::string& container_id, int pid) = 0;
    /// Lets go of the sandbox: fast. Its link goes with `remove_links`.
    virtual void release(const std::string& container_id) = 0;

    /// Linux: a network namespace with nothing but its loopback, for whoever holds it. Empty where
    /// the sandbox brings its own.
    virtual Fd bare_sandbox() = 0;

    /// Host ends of all links with our prefix, but for the stock.
    virtual std::vector<std::string> links() = 0;
    /// Returns when they are gone; absent ones are fine.
    virtual void remove_links(const std::vector<std::string>& names) = 0;
};

struct NetStackConfig {
    std::filesystem::path run_dir;  ///< sandbox paths are made in here
    std::string link_prefix;        ///< begins the name of each host end; at most 7 bytes
};
std::unique_ptr<NetStack> make_net_stack(NetStackConfig config);

/// Whether the network is made before the container and joined by path (Linux), or attached to
/// the container's jail once that exists (FreeBSD).
bool network_precedes_sandbox();

}  // namespace brig::os
