// Firewall over nftables: one table `ip NAME`. Published ports are elements of maps, so that
// publishing one changes one element and costs a packet one look-up, however many there are.
#include "os/firewall.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/linux/nftables.h"
#include "os/net_stack.h"

namespace brig::os {
namespace {

using linux_net::run_nft;

/// Replaced whole: made so that it exists, deleted, made anew, all in one transaction.
/// {0} table, {1} bridge, {2} subnet. Chain loopback: with route_localnet, neighbours could reach
/// what listens on 127.0.0.1 (CVE-2020-8558), or ports published there.
constexpr const char* table_rules = R"(
add table ip {0}
delete table ip {0}
table ip {0} {{
  map tcp_any {{ type inet_service : ipv4_addr . inet_service; }}
  map tcp_one {{ type ipv4_addr . inet_service : ipv4_addr . inet_service; }}
  map udp_any {{ type inet_service : ipv4_addr . inet_service; }}
  map udp_one {{ type ipv4_addr . inet_service : ipv4_addr . inet_service; }}
  chain published {{
    meta l4proto tcp dnat ip to ip daddr . tcp dport map @tcp_one
    meta l4proto tcp dnat ip to tcp dport map @tcp_any
    meta l4proto udp dnat ip to ip daddr . udp dport map @udp_one
    meta l4proto udp dnat ip to udp dport map @udp_any
  }}
  chain loopback {{
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    fib daddr type local jump published
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {2} oifname != "{1}" masquerade
    ip saddr 127.0.0.0/8 oifname "{1}" masquerade
    ip saddr {2} oifname "{1}" ct status dnat masquerade
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname "{1}" accept
    oifname "{1}" ct state established,related accept
    oifname "{1}" ct status dnat accept
    oifname "{1}" drop
  }}
}}
)";

void check_table_name(const std::string& name) {
    const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    if (name.empty() || name.size() > 64 ||
        std::isalpha(static_cast<unsigned char>(name[0])) == 0 ||
        !std::all_of(name.begin(), name.end(), allowed)) {
        throw Error(ErrorKind::invalid_argument, "{} is not a name for a firewall table", name);
    }
}

class NftFirewall final : public Firewall {
public:
    explicit NftFirewall(FirewallConfig config) : config_(std::move(config)) {
        check_table_name(config_.name);
        check_interface_name(config_.bridge);
    }

    void install(const std::vector<PortForward>& forwards) override {
        auto commands =
            fmt::format(table_rules, config_.name, config_.bridge, config_.gateway.network().str());
        for (const auto& forward : forwards) commands += element("add", forward, true);
        run_nft(commands);
        open_foreign_forwarding();
    }

    void publish(const std::vector<PortForward>& forwards) override {
        std::string commands;
        for (const auto& forward : forwards) commands += element("add", forward, true);
        if (!commands.empty()) run_nft(commands);
    }

    void unpublish(const std::vector<PortForward>& forwards) override {
        std::string commands;
        for (const auto& forward : forwards) commands += element("delete", forward, false);
        if (commands.empty()) return;
        try {
            run_nft(commands);
        } catch (const Error&) {
            // One was absent, and a transaction is all or nothing.
            for (const auto& forward : forwards) unpublish_alone(forward);
        }
    }

    void remove() override {
        run_nft(fmt::format("add table ip {0}\ndelete table ip {0}\n", config_.name));
        close_foreign_forwarding();
    }

private:
    std::string element(std::string_view verb, const PortForward& forward, bool with_target) const {
        const bool any = forward.host_ip.any();
        auto key = any ? fmt::format("{}", forward.host_port)
                       : fmt::format("{} . {}", forward.host_ip.str(), forward.host_port);
        if (with_target)
            key += fmt::format(" : {} . {}", forward.container_ip.str(), forward.container_port);
        return fmt::format("{} element ip {} {}_{} {{ {} }}\n", verb, config_.name,
                           to_string(forward.protocol), any ? "any" : "one", key);
    }

    void unpublish_alone(const PortForward& forward) {
        try {
            run_nft(element("delete", forward, false));
        } catch (const Error& error) {
            log::debug("unpublish port {}: {}", forward.host_port, error.message());
        }
    }

    /// An accept in our table does not overrule a drop in another. The one that is met in practice
    /// is iptables' FORWARD chain with policy drop, as docker and many hosts have it: let our
    /// bridge pass there, where our own forward chain still decides.
    void open_foreign_forwarding() {
        const auto chain = foreign_forward_chain();
        if (chain.find("policy drop") == std::string::npos) return;
        std::string commands;
        for (const auto* side : {"iifname", "oifname"}) {
            const auto rule = fmt::format(R"({} "{}")", side, config_.bridge);
            if (chain.find(rule) != std::string::npos) continue;
            commands += fmt::format("insert rule ip filter FORWARD {} counter accept\n", rule);
        }
        if (commands.empty()) return;
        try {
            run_nft(commands);
            log::info("let {} pass the FORWARD chain of iptables, whose policy is drop",
                      config_.bridge);
        } catch (const Error& error) {
            log::warn("the FORWARD chain of iptables has policy drop and may block containers: {}",
                      error.message());
        }
    }

    void close_foreign_forwarding() {
        const auto chain = foreign_forward_chain();
        for (const auto& line : split(chain, '\n')) {
            const auto ours = line.find(fmt::format(R"(ifname "{}" counter)", config_.bridge));
            const auto handle = line.find("# handle ");
            if (ours == std::string::npos || handle == std::string::npos) continue;
            const auto number =
                parse_int<std::uint64_t>(trim(std::string_view(line).substr(handle + 9)));
            if (number) run_nft(fmt::format("delete rule ip filter FORWARD handle {}\n", *number));
        }
    }

    static std::string foreign_forward_chain() {
        try {
            return run_nft("list chain ip filter FORWARD\n");
        } catch (const Error&) {
            return {};  // no such chain
        }
    }

    const FirewallConfig config_;
};

}  // namespace

bool redirects_own_connections() { return true; }

std::unique_ptr<Firewall> make_firewall(FirewallConfig config) {
    return std::make_unique<NftFirewall>(std::move(config));
}

}  // namespace brig::os
