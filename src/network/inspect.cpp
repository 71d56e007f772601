#include "network/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace brig::network {
namespace {

using nlohmann::json;

std::string key_of(const PublishedPort& port) {
    return fmt::format("{}/{}", port.container_port, os::to_string(port.protocol));
}

json ports_json(const Endpoint* endpoint, const std::vector<std::string>& exposed) {
    json ports = json::object();
    if (endpoint == nullptr) return ports;
    for (const auto& port : exposed) ports[port] = nullptr;
    for (const auto& port : endpoint->ports) {
        auto& bindings = ports[key_of(port)];
        if (!bindings.is_array()) bindings = json::array();
        bindings.push_back({{"HostIp", os::to_string(port.host_ip)},
                            {"HostPort", std::to_string(port.host_port)}});
    }
    return ports;
}

/// What NetworkSettings has at its top for the default bridge, and again for each network.
json address_json(const Endpoint* endpoint) {
    const auto* const address6 =
        endpoint != nullptr && endpoint->address6 ? &*endpoint->address6 : nullptr;
    return {{"EndpointID", endpoint != nullptr ? endpoint->id : ""},
            {"Gateway", endpoint != nullptr ? endpoint->gateway.str() : ""},
            {"GlobalIPv6Address", address6 != nullptr ? address6->address.str() : ""},
            {"GlobalIPv6PrefixLen", address6 != nullptr ? address6->prefix : 0U},
            {"IPAddress", endpoint != nullptr ? endpoint->address.address.str() : ""},
            {"IPPrefixLen", endpoint != nullptr ? endpoint->address.prefix : 0U},
            {"IPv6Gateway", address6 != nullptr ? endpoint->gateway6.str() : ""},
            {"MacAddress", endpoint != nullptr ? endpoint->mac.str() : ""}};
}

}  // namespace

json network_json(const NetworkInfo& info) {
    json config = json::array();
    if (info.gateway) {
        config.push_back(
            {{"Subnet", info.gateway->network().str()}, {"Gateway", info.gateway->address.str()}});
    }
    if (info.gateway6) {
        config.push_back({{"Subnet", info.gateway6->network().str()},
                          {"Gateway", info.gateway6->address.str()}});
    }
    json containers = json::object();
    for (const auto& endpoint : info.endpoints) {
        containers[endpoint.container_id] = {
            {"Name", endpoint.container_name},
            {"EndpointID", endpoint.id},
            {"MacAddress", endpoint.mac.str()},
            {"IPv4Address", endpoint.address.str()},
            {"IPv6Address", endpoint.address6 ? endpoint.address6->str() : ""}};
    }
    json ipam = {{"Driver", "default"}, {"Options", nullptr}, {"Config", std::move(config)}};
    return {{"Name", info.name},
            {"Id", info.id},
            {"Created", format_rfc3339(info.created)},
            {"Scope", "local"},
            {"Driver", info.driver},
            {"EnableIPv4", true},
            {"EnableIPv6", info.gateway6.has_value()},
            {"IPAM", std::move(ipam)},
            {"Internal", false},
            {"Attachable", false},
            {"Ingress", false},
            {"ConfigFrom", {{"Network", ""}}},
            {"ConfigOnly", false},
            {"Containers", std::move(containers)},
            {"Options", info.options},
            {"Labels", json::object()}};
}

json network_settings_json(const Endpoint* endpoint, const std::string& mode, const std::string& id,
                           const std::vector<std::string>& exposed) {
    json settings = address_json(endpoint);
    settings["Bridge"] = "";
    settings["SandboxID"] = endpoint != nullptr ? endpoint->container_id : "";
    settings["SandboxKey"] = endpoint != nullptr ? endpoint->sandbox_path.native() : "";
    settings["Ports"] = ports_json(endpoint, exposed);
    settings["HairpinMode"] = false;
    settings["LinkLocalIPv6Address"] = "";
    settings["LinkLocalIPv6PrefixLen"] = 0;
    settings["SecondaryIPAddresses"] = nullptr;
    settings["SecondaryIPv6Addresses"] = nullptr;
    json network = address_json(endpoint);
    for (const auto* unset : {"IPAMConfig", "Links", "Aliases", "DriverOpts", "DNSNames"})
        network[unset] = nullptr;
    network["NetworkID"] = id;
    network["GwPriority"] = 0;
    settings["Networks"] = json::object();
    if (!mode.empty())
        settings["Networks"][mode == "default" ? "bridge" : mode] = std::move(network);
    return settings;
}

json port_summary_json(const Endpoint* endpoint, const std::vector<std::string>& exposed) {
    json ports = json::array();
    if (endpoint == nullptr) return ports;
    for (const auto& port : endpoint->ports) {
        ports.push_back({{"IP", os::to_string(port.host_ip)},
                         {"PrivatePort", port.container_port},
                         {"PublicPort", port.host_port},
                         {"Type", os::to_string(port.protocol)}});
    }
    for (const auto& name : exposed) {
        const auto is_it = [&](const PublishedPort& port) { return key_of(port) == name; };
        if (std::any_of(endpoint->ports.begin(), endpoint->ports.end(), is_it)) continue;
        const auto slash = name.find('/');
        const auto number = parse_int<int>(std::string_view(name).substr(0, slash)).value_or(0);
        ports.push_back({{"PrivatePort", number},
                         {"Type", slash == std::string::npos ? "tcp" : name.substr(slash + 1)}});
    }
    return ports;
}

}  // namespace brig::network
