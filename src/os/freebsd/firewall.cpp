// Firewall over PF: rules in anchors NAME/base and NAME/ports, in the legacy grammar that every
// supported release has. They only work where the administrator's main rule set calls the anchor;
// we never change pf.conf.
#include "os/firewall.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "os/freebsd/address_watch.h"
#include "os/freebsd/pfctl.h"
#include "os/net_stack.h"

namespace brig::os {
namespace {

using freebsd_net::run_pfctl;

void check_anchor_name(const std::string& name) {
    const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    if (name.empty() || name.size() > 48 || !std::all_of(name.begin(), name.end(), allowed)) {
        throw Error(ErrorKind::invalid_argument, "{} is not a name for a PF anchor", name);
    }
}

bool leads_elsewhere(const sockaddr& address, bool ipv6) {
    if (address.sa_family == AF_INET) return true;
    if (address.sa_family != AF_INET6 || !ipv6) return false;
    return !IN6_IS_ADDR_LINKLOCAL(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

/// Interfaces that lead elsewhere: up, with an IP address, no loopback, not our bridge.
std::set<std::string> outside_interfaces(const std::string& bridge, bool ipv6) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) throw SysError("list the addresses of this host");
    const Defer release([&] { ::freeifaddrs(first); });
    std::set<std::string> names;
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || !leads_elsewhere(*at->ifa_addr, ipv6)) continue;
        if ((at->ifa_flags & IFF_LOOPBACK) != 0 || (at->ifa_flags & IFF_UP) == 0 ||
            at->ifa_name == bridge)
            continue;
        check_interface_name(at->ifa_name);
        names.insert(at->ifa_name);
    }
    return names;
}

class PfFirewall final : public Firewall {
public:
    explicit PfFirewall(FirewallConfig config) : config_(std::move(config)) {
        check_anchor_name(config_.name);
        check_interface_name(config_.bridge);
    }

    void install(const std::vector<PortForward>& forwards) override {
        const std::lock_guard lock(mutex_);
        forwards_ = {forwards.begin(), forwards.end()};
        installed_ = true;
        try {
            // First, for when the main rules come later than we.
            load_base(outside());
            load("ports", port_rules(forwards_));
            check_main_rules();
        } catch (const Error& error) {
            // Containers still reach each other and the host.
            log::warn("containers have no network address translation: {}", error.message());
        }
    }

    void publish(const std::vector<PortForward>& forwards) override {
        const std::lock_guard lock(mutex_);
        check_main_rules();
        auto all = forwards_;
        all.insert(forwards.begin(), forwards.end());
        load_base(outside());  // they may have been flushed
        load("ports", port_rules(all));
        forwards_ = std::move(all);
    }

    void refresh() override {
        const std::lock_guard lock(mutex_);
        if (!installed_) return;
        try {
            if (auto names = outside(); names != outside_) load_base(std::move(names));
        } catch (const Error& error) {
            log::debug("{}", error.message());  // install() has said what is missing
        }
    }

    void unpublish(const std::vector<PortForward>& forwards) override {
        const std::lock_guard lock(mutex_);
        for (const auto& forward : forwards) forwards_.erase(forward);
        load("ports", port_rules(forwards_));
        // What is connected stays connected by its state, which must end with the container.
        for (const auto& forward : forwards) kill_states(forward);
    }

    void remove() override {
        const std::lock_guard lock(mutex_);
        forwards_.clear();
        installed_ = false;
        for (const auto* part : {"base", "ports"}) {
            try {
                run_pfctl({"-q", "-a", config_.name + "/" + part, "-F", "all"}, "");
            } catch (const Error& error) {
                log::debug("{}", error.message());
            }
        }
    }

private:
    void load(const std::string& part, const std::string& rules) const {
        run_pfctl({"-q", "-a", config_.name + "/" + part, "-f", "-"}, rules);
    }

    [[nodiscard]] std::set<std::string> outside() const {
        return outside_interfaces(config_.bridge, config_.gateway6.has_value());
    }

    void load_base(std::set<std::string> outside) {
        const auto [translation6, filter6] = base_rules6(outside);
        load("base", translation6 + base_rules(outside) + filter6);
        outside_ = std::move(outside);
    }

    /// PF wants translation before filter rules.
    [[nodiscard]] std::string base_rules(const std::set<std::string>& outside) const {
        const auto subnet = config_.gateway.network().str();
        const auto& bridge = config_.bridge;
        std::string rules;
        for (const auto& name : outside) {
            rules += fmt::format("nat on {0} inet from {1} to any -> ({0}:0)\n", name, subnet);
        }
        // A container that calls a published port of its own bridge.
        rules += fmt::format("nat on {} inet from {} to {} tagged BRIG_PORT -> {}\n", bridge,
                             subnet, subnet, config_.gateway.address.str());
        rules += fmt::format("pass in on {} inet from {} to any keep state\n", bridge, subnet);
        rules += fmt::format("pass out on {} inet from any to {} keep state\n", bridge, subnet);
        // What is not published is not reachable from elsewhere, even for who routes here.
        rules += fmt::format("block in on ! {} inet from any to {}\n", bridge, subnet);
        return rules;
    }

    /// The same for IPv6, but that neighbours must be found too.
    [[nodiscard]] std::pair<std::string, std::string> base_rules6(
        const std::set<std::string>& outside) const {
        if (!config_.gateway6) return {};
        const auto subnet = config_.gateway6->network().str();
        const auto& bridge = config_.bridge;
        std::string translation;
        for (const auto& name : outside) {
            translation +=
                fmt::format("nat on {0} inet6 from {1} to any -> ({0}:0)\n", name, subnet);
        }
        translation += fmt::format("nat on {} inet6 from {} to {} tagged BRIG_PORT -> {}\n", bridge,
                                   subnet, subnet, config_.gateway6->address.str());
        std::string filter;
        filter += fmt::format("pass on {} inet6 proto icmp6 from any to any keep state\n", bridge);
        filter += fmt::format("pass in on {} inet6 from {} to any keep state\n", bridge, subnet);
        filter += fmt::format("pass out on {} inet6 from any to {} keep state\n", bridge, subnet);
        filter += fmt::format("block in on ! {} inet6 from any to {}\n", bridge, subnet);
        return {translation, filter};
    }

    [[nodiscard]] std::string port_rules(const std::set<PortForward>& forwards) const {
        std::string rules;
        for (const auto& forward : forwards) {
            if (is_ipv6(forward.host_ip) && !config_.gateway6) continue;
            const auto host = is_any(forward.host_ip) ? "self" : to_string(forward.host_ip);
            // What this host says to itself passes lo0, and its answers would not find their way
            // back through the translation: see redirects_own_connections().
            rules += fmt::format(
                "rdr pass on ! lo0 {} proto {} from any to {} port {} tag BRIG_PORT -> {} port "
                "{}\n",
                is_ipv6(forward.host_ip) ? "inet6" : "inet", to_string(forward.protocol), host,
                forward.host_port, to_string(forward.container_ip), forward.container_port);
        }
        return rules;
    }

    static void kill_states(const PortForward& forward) {
        try {
            run_pfctl({"-q", "-k", is_ipv6(forward.container_ip) ? "::/0" : "0.0.0.0/0", "-k",
                       to_string(forward.container_ip)},
                      "");
        } catch (const Error& error) {
            log::debug("{}", error.message());
        }
    }

    void check_main_rules() const {
        const auto calls = [&](const std::string& rules, std::string_view keyword) {
            return rules.find(fmt::format("{} \"{}/*\"", keyword, config_.name)) !=
                   std::string::npos;
        };
        if (run_pfctl({"-s", "info"}, "").find("Status: Enabled") == std::string::npos) {
            throw Error(ErrorKind::failed_precondition,
                        "PF is not enabled: run `service pf enable` and `service pf start`");
        }
        const auto translation = run_pfctl({"-s", "nat"}, "");
        const auto filter = run_pfctl({"-s", "rules"}, "");
        std::string missing;
        for (const auto* keyword : {"nat-anchor", "rdr-anchor"}) {
            if (!calls(translation, keyword))
                missing += fmt::format("{} \"{}/*\"\n", keyword, config_.name);
        }
        if (!calls(filter, "anchor")) missing += fmt::format("anchor \"{}/*\"\n", config_.name);
        if (missing.empty()) return;
        throw Error(ErrorKind::failed_precondition,
                    "the main rules of PF do not call Brig's anchor; add these lines to "
                    "/etc/pf.conf, the first "
                    "two kinds before all filter rules, and run `service pf reload`:\n{}",
                    missing);
    }

    const FirewallConfig config_;
    std::mutex mutex_;
    std::set<PortForward> forwards_;
    std::set<std::string> outside_;  ///< the interfaces that the loaded rules name
    bool installed_ = false;
    freebsd_net::AddressWatch watch_{[this] { refresh(); }};  ///< last: it uses all of the above
};

}  // namespace

bool redirects_own_connections(const IpAddress&) { return false; }

std::unique_ptr<Firewall> make_firewall(FirewallConfig config) {
    return std::make_unique<PfFirewall>(std::move(config));
}

}  // namespace brig::os
