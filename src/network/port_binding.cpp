// Docker's PortBindings as requests.
#include "base/error.h"
#include "base/strings.h"
#include "network/network.h"

namespace brig::network {
namespace {

std::uint16_t parse_port(std::string_view text, std::string_view whole) {
    const auto port = parse_int<std::uint16_t>(text);
    if (!port || *port == 0)
        throw Error(ErrorKind::invalid_argument, "invalid port specification: \"{}\"", whole);
    return *port;
}

std::optional<IpAddress> parse_host_ip(std::string_view text) {
    if (text.empty()) return std::nullopt;
    if (auto ip = os::parse_ip(text)) return ip;
    throw Error(ErrorKind::invalid_argument, "invalid IP address {} in a port binding", text);
}

}  // namespace

PortRequest parse_port_binding(std::string_view container, std::string_view host_ip,
                               std::string_view host_port) {
    PortRequest request;
    const auto [number, protocol_name] = split_once(container, '/');
    const auto protocol = os::parse_protocol(to_lower(protocol_name.value_or("tcp")));
    if (!protocol)
        throw Error(ErrorKind::not_implemented,
                    "publishing a port of protocol {} is not implemented", *protocol_name);
    request.protocol = *protocol;
    request.container_port = parse_port(number, container);
    request.host_ip = parse_host_ip(host_ip);
    if (host_port.empty() || host_port == "0") return request;
    const auto [first, last] = split_once(host_port, '-');
    request.host_first = parse_port(first, host_port);
    if (last) request.host_last = parse_port(*last, host_port);
    if (last && request.host_last < request.host_first) {
        throw Error(ErrorKind::invalid_argument, "invalid port specification: \"{}\"", host_port);
    }
    return request;
}

}  // namespace brig::network
