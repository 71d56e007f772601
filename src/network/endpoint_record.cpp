#include "network/endpoint_record.h"

#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace brig::network {
namespace {

using nlohmann::json;

json to_json(const Endpoint& endpoint) {
    json ports = json::array();
    for (const auto& port : endpoint.ports) {
        ports.push_back({{"host_ip", os::to_string(port.host_ip)},
                         {"host_port", port.host_port},
                         {"container_port", port.container_port},
                         {"protocol", os::to_string(port.protocol)}});
    }
    return {{"id", endpoint.id},
            {"container_id", endpoint.container_id},
            {"container_name", endpoint.container_name},
            {"network", endpoint.network},
            {"network_id", endpoint.network_id},
            {"sandbox_path", endpoint.sandbox_path.native()},
            {"link", endpoint.link},
            {"address", endpoint.address.str()},
            {"gateway", endpoint.gateway.str()},
            {"address6", endpoint.address6 ? endpoint.address6->str() : ""},
            {"gateway6", endpoint.gateway6.str()},
            {"mac", endpoint.mac.str()},
            {"ports", std::move(ports)}};
}

template <typename Value>
Value needed(const std::optional<Value>& value, const char* what) {
    if (!value) throw Error(ErrorKind::invalid_argument, "{} is malformed", what);
    return *value;
}

Endpoint from_json(const json& data) {
    Endpoint endpoint;
    endpoint.id = data.at("id");
    endpoint.container_id = data.at("container_id");
    endpoint.container_name = data.at("container_name");
    endpoint.network = data.at("network");
    endpoint.network_id = data.at("network_id");
    endpoint.sandbox_path = data.at("sandbox_path").get<std::string>();
    endpoint.link = data.at("link");
    endpoint.address = Ipv4Interface::parse(data.at("address").get<std::string>());
    endpoint.gateway = needed(Ipv4Address::parse(data.at("gateway").get<std::string>()), "gateway");
    if (const auto address6 = data.value("address6", ""); !address6.empty()) {
        endpoint.address6 = Ipv6Interface::parse(address6);
        endpoint.gateway6 =
            needed(Ipv6Address::parse(data.at("gateway6").get<std::string>()), "gateway6");
    }
    endpoint.mac = needed(MacAddress::parse(data.at("mac").get<std::string>()), "mac");
    for (const auto& port : data.at("ports")) {
        endpoint.ports.push_back(
            {needed(os::parse_ip(port.at("host_ip").get<std::string>()), "host_ip"),
             port.at("host_port"), port.at("container_port"),
             needed(os::parse_protocol(port.at("protocol").get<std::string>()), "protocol")});
    }
    return endpoint;
}

}  // namespace

EndpointRecords::EndpointRecords(std::filesystem::path directory)
    : directory_(std::move(directory)) {
    make_directories(directory_, 0700);
}

std::filesystem::path EndpointRecords::path(const std::string& container_id) const {
    return directory_ / (container_id + ".json");
}

void EndpointRecords::write(const Endpoint& endpoint) const {
    write_file_atomic(path(endpoint.container_id), to_json(endpoint).dump(), 0600,
                      Durability::rebuildable);
}

void EndpointRecords::remove(const std::string& container_id) const {
    const auto file = path(container_id);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw SysError("remove {}", file.native());
}

std::vector<Endpoint> EndpointRecords::load() const {
    std::vector<Endpoint> endpoints;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        try {
            auto endpoint = from_json(json::parse(read_file(entry.path())));
            if (path(endpoint.container_id) != entry.path())
                throw Error(ErrorKind::invalid_argument, "misnamed");
            endpoints.push_back(std::move(endpoint));
        } catch (const std::exception& error) {
            log::warn("drop the record of an endpoint, {}: {}", entry.path().native(),
                      error.what());
            (void)::unlink(entry.path().c_str());
        }
    }
    return endpoints;
}

}  // namespace brig::network
