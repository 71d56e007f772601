// Firewall over PF: rules in anchors NAME/base and NAME/ports, in the legacy grammar that every
// supported release has. They only work where the administrator's main rule set calls the anchor;
// we never change pf.conf.
#include "os/firewall.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <net/if.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <set>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
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

/// Interfaces that lead elsewhere: up, with an IPv4 address, no loopback, not our bridge.
std::set<std::string> outside_interfaces(const std::string& bridge) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) throw SysError("list the addresses of this host");
    const Defer release([&] { ::freeifaddrs(first); });
    std::set<std::string> names;
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
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
        try {
            // First, for when the main rules come later than we.
            load_base(outside_interfaces(config_.bridge));
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
        load_base(outside_interfaces(config_.bridge));  // they may have been flushed
        load("ports", port_rules(all));
        forwards_ = std::move(all);
    }

    void refresh() override {
        const std::lock_guard lock(mutex_);
        try {
            if (auto names = outside_interfaces(config_.bridge); names != outside_)
                load_base(std::move(names));
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

    void load_base(std::set<std::string> outside) {
        load("base", base_rules(outside));
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

    static std::string port_rules(const std::set<PortForward>& forwards) {
        std::string rules;
        for (const auto& forward : forwards) {
            const auto host = forward.host_ip.any() ? std::string("self") : forward.host_ip.str();
            // What this host says to itself passes lo0, and its answers would not find their way
            // back through the translation: see redirects_own_connections().
            rules += fmt::format(
                "rdr pass on ! lo0 inet proto {} from any to {} port {} tag BRIG_PORT -> {} port "
                "{}\n",
                to_string(forward.protocol), host, forward.host_port, forward.container_ip.str(),
                forward.container_port);
        }
        return rules;
    }

    static void kill_states(const PortForward& forward) {
        try {
            run_pfctl({"-q", "-k", "0.0.0.0/0", "-k", forward.container_ip.str()}, "");
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
};

}  // namespace

bool redirects_own_connections() { return false; }

std::unique_ptr<Firewall> make_firewall(FirewallConfig config) {
    return std::make_unique<PfFirewall>(std::move(config));
}

}  // namespace brig::os
