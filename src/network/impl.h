// What Networks is made of; for this layer alone.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "network/address_pool.h"
#include "network/endpoint_record.h"
#include "network/network.h"
#include "network/port_proxy.h"
#include "network/port_table.h"
#include "network/removals.h"
#include "network/worker.h"

namespace brig::network {

struct Networks::Impl {
    explicit Impl(Config given)
        : config(std::move(given)),
          stack(os::make_net_stack({config.run_dir / "netns", config.link_prefix})),
          firewall(os::make_firewall(
              {config.firewall, config.bridge, config.gateway,
               config.ip6tables ? config.gateway6 : std::optional<Ipv6Interface>()})),
          records(config.run_dir / "network"),
          addresses(config.gateway),
          removals({.stack = *stack,
                    .firewall = *firewall,
                    .worker = worker,
                    .ports_free = [this](const Endpoint& endpoint) { free_ports(endpoint); },
                    .address_free = [this](const Endpoint& endpoint) { free_address(endpoint); }}) {
    }

    [[nodiscard]] os::BridgeSpec bridge() const {
        return {config.bridge, config.gateway, config.gateway6, config.mtu};
    }
    [[nodiscard]] NetworkInfo describe(const std::string& name) const;
    [[nodiscard]] std::string id_of(const std::string& name) const;
    /// There when the bridge was made by an engine that ran here.
    [[nodiscard]] std::filesystem::path own_bridge() const { return config.run_dir / "own-bridge"; }
    void make_ready();
    void tear_down();
    void refill();
    void finish_pending();
    bool stock_one();
    bool stock_bare();
    void drop_stock();
    [[nodiscard]] os::LinkSpec link_spec(const Endpoint& endpoint) const;
    /// True when its link lies ready in stock.
    bool take_address(const AttachRequest& request, Endpoint& endpoint);
    [[nodiscard]] std::optional<Ipv6Interface> address6_of(Ipv4Address address) const;
    void reserve(const AttachRequest& request, Endpoint& endpoint);
    void serve_own_host(const Endpoint& endpoint);
    void free_ports(const Endpoint& endpoint);
    void free_address(const Endpoint& endpoint);
    void connect(const AttachRequest& request, Endpoint& endpoint);
    void adopt(const Endpoint& endpoint, int pid);
    bool disconnect(const std::string& container_id);
    void remove_strays();

    const Config config;
    const Instant created = now();
    std::unique_ptr<os::NetStack> stack;
    std::unique_ptr<os::Firewall> firewall;
    EndpointRecords records;

    std::mutex ready_mutex;  ///< held while bridge and firewall are made
    bool ready = false;

    mutable std::mutex mutex;  ///< of what follows
    AddressPool addresses;
    PortTable ports;
    std::map<std::string, Endpoint> endpoints;  ///< by container
    std::deque<Ipv4Address> stocked;            ///< addresses of ready-made links
    std::vector<Fd> bare;                       ///< namespaces for isolate()
    bool bare_wanted = false;                   ///< somebody has asked for one

    PortProxy proxy;
    std::atomic<bool> refill_posted = false;
    Removals removals;
    Worker worker;  ///< last: its tasks use all of the above
};

}  // namespace brig::network
