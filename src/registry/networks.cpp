// See networks.h.
#include "registry/networks.h"

#include "base/error.h"
#include "os/net_address.h"

namespace brig::registry {
namespace {

bool contains(const std::string& network, const os::Ipv4Address& address) {
    return os::Ipv4Interface::parse(network).contains(address);
}

bool contains(const std::string& network, const os::Ipv6Address& address) {
    const auto wanted = os::Ipv6Interface::parse(network);
    return os::Ipv6Interface{address, wanted.prefix}.network() == wanted.network();
}

}  // namespace

bool is_in_network(const std::string& address, const std::string& network) {
    const auto inside = os::parse_ip(address);
    if (!inside || network.find('/') == std::string::npos) return false;
    try {
        return std::visit([&](const auto& known) { return contains(network, known); }, *inside);
    } catch (const Error&) {
        return false;  // no network, or one of the other family
    }
}

}  // namespace brig::registry
