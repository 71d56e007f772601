// Firewall over nftables: a table `ip NAME`, and `ip6 NAME` where there is IPv6. Published ports
// are elements of maps, so that publishing one changes one element and costs a packet one look-up,
// however many there are.
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
/// {0} table, {1} bridge, {2} subnet, {3} family, {4} its type of addresses; {5} to {7} are what
/// one family has alone: a chain, a condition, a rule.
constexpr const char* table_rules = R"(
add table {3} {0}
delete table {3} {0}
table {3} {0} {{
  map tcp_any {{ type inet_service : {4} . inet_service; }}
  map tcp_one {{ type {4} . inet_service : {4} . inet_service; }}
  map udp_any {{ type inet_service : {4} . inet_service; }}
  map udp_one {{ type {4} . inet_service : {4} . inet_service; }}
  chain published {{
    meta l4proto tcp dnat {3} to {3} daddr . tcp dport map @tcp_one
    meta l4proto tcp dnat {3} to tcp dport map @tcp_any
    meta l4proto udp dnat {3} to {3} daddr . udp dport map @udp_one
    meta l4proto udp dnat {3} to udp dport map @udp_any
  }}
  {5}
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    {6} fib daddr type local jump published
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    {3} saddr {2} oifname != "{1}" masquerade
    {7}
    {3} saddr {2} oifname "{1}" ct status dnat masquerade
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

std::string rules4(const FirewallConfig& config) {
    // With route_localnet, neighbours could reach what listens on 127.0.0.1 (CVE-2020-8558), or
    // ports published there.
    constexpr const char* loopback = R"(chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  })";
    return fmt::format(
        table_rules, config.name, config.bridge, config.gateway.network().str(), "ip", "ipv4_addr",
        loopback, "",
        fmt::format(R"(ip saddr 127.0.0.0/8 oifname "{}" masquerade)", config.bridge));
}

/// Connections to ::1 are not translated, since nothing with that source is routed: see
/// redirects_own_connections().
std::string rules6(const FirewallConfig& config) {
    return fmt::format(table_rules, config.name, config.bridge, config.gateway6->network().str(),
                       "ip6", "ipv6_addr", "", "ip6 daddr != ::1", "");
}

constexpr const char* remove_rules = "add table {0} {1}\ndelete table {0} {1}\n";

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
        auto commands = rules4(config_);
        if (config_.gateway6)
            commands += rules6(config_);
        else
            remove_table("ip6");
        for (const auto& forward : forwards) commands += element("add", forward, true);
        run_nft(commands);
        open_foreign_forwarding("ip");
        if (config_.gateway6) open_foreign_forwarding("ip6");
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
        run_nft(fmt::format(remove_rules, "ip", config_.name));
        close_foreign_forwarding("ip");
        remove_table("ip6");
        close_foreign_forwarding("ip6");
    }

private:
    /// That there may be of an engine with other settings, on a kernel that may not know its kind.
    void remove_table(std::string_view family) const {
        try {
            run_nft(fmt::format(remove_rules, family, config_.name));
        } catch (const Error& error) {
            log::debug("{}", error.message());
        }
    }

    std::string element(std::string_view verb, const PortForward& forward, bool with_target) const {
        const bool ipv6 = is_ipv6(forward.host_ip);
        if (ipv6 && !config_.gateway6) return {};
        const bool any = is_any(forward.host_ip);
        auto key = any ? fmt::format("{}", forward.host_port)
                       : fmt::format("{} . {}", to_string(forward.host_ip), forward.host_port);
        if (with_target)
            key +=
                fmt::format(" : {} . {}", to_string(forward.container_ip), forward.container_port);
        return fmt::format("{} element {} {} {}_{} {{ {} }}\n", verb, ipv6 ? "ip6" : "ip",
                           config_.name, to_string(forward.protocol), any ? "any" : "one", key);
    }

    void unpublish_alone(const PortForward& forward) {
        try {
            if (const auto command = element("delete", forward, false); !command.empty())
                run_nft(command);
        } catch (const Error& error) {
            log::debug("unpublish port {}: {}", forward.host_port, error.message());
        }
    }

    /// An accept in our table does not overrule a drop in another. The one that is met in practice
    /// is iptables' FORWARD chain with policy drop, as docker and many hosts have it: let our
    /// bridge pass there, where our own forward chain still decides.
    void open_foreign_forwarding(std::string_view family) {
        const auto chain = foreign_forward_chain(family);
        if (chain.find("policy drop") == std::string::npos) return;
        std::string commands;
        for (const auto* side : {"iifname", "oifname"}) {
            const auto rule = fmt::format(R"({} "{}")", side, config_.bridge);
            if (chain.find(rule) != std::string::npos) continue;
            commands +=
                fmt::format("insert rule {} filter FORWARD {} counter accept\n", family, rule);
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

    void close_foreign_forwarding(std::string_view family) {
        const auto chain = foreign_forward_chain(family);
        for (const auto& line : split(chain, '\n')) {
            const auto ours = line.find(fmt::format(R"(ifname "{}" counter)", config_.bridge));
            const auto handle = line.find("# handle ");
            if (ours == std::string::npos || handle == std::string::npos) continue;
            const auto number =
                parse_int<std::uint64_t>(trim(std::string_view(line).substr(handle + 9)));
            if (number)
                run_nft(fmt::format("delete rule {} filter FORWARD handle {}\n", family, *number));
        }
    }

    static std::string foreign_forward_chain(std::string_view family) {
        try {
            return run_nft(fmt::format("list chain {} filter FORWARD\n", family));
        } catch (const Error&) {
            return {};  // no such chain
        }
    }

    const FirewallConfig config_;
};

}  // namespace

bool redirects_own_connections(const IpAddress& host_ip) { return !is_ipv6(host_ip); }

std::unique_ptr<Firewall> make_firewall(FirewallConfig config) {
    return std::make_unique<NftFirewall>(std::move(config));
}

}  // namespace brig::os
