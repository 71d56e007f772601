// See alias_addresses.h.
#include "os/freebsd/alias_addresses.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <cstring>
#include <ranges>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/freebsd/interface_requests.h"

namespace brig::os {
namespace {

using InterfaceAddress = std::variant<Ipv4Interface, Ipv6Interface>;

InterfaceAddress parse_address(const std::string& text) {
    if (text.find(':') != std::string::npos) return Ipv6Interface::parse(text);
    return Ipv4Interface::parse(text);
}

std::string to_string(const InterfaceAddress& address) {
    return std::visit([](const auto& of_family) { return of_family.str(); }, address);
}

Fd socket_for(const Ipv4Interface& /*address*/) { return freebsd_net::interface_socket(); }
Fd socket_for(const Ipv6Interface& /*address*/) { return freebsd_net::interface_socket6(); }

std::optional<IpAddress> address_of(const sockaddr* address) {
    if (address == nullptr) return std::nullopt;
    if (address->sa_family == AF_INET)
        return Ipv4Address(ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr));
    if (address->sa_family != AF_INET6) return std::nullopt;
    Ipv6Address::Bytes bytes;
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr,
                bytes.size());
    return Ipv6Address(bytes);
}

bool host_has(const IpAddress& wanted) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) throw SysError("list the addresses of this host");
    const Defer release([&] { ::freeifaddrs(first); });
    for (const auto* at = first; at != nullptr; at = at->ifa_next) {
        if (address_of(at->ifa_addr) == wanted) return true;
    }
    return false;
}

}  // namespace

AliasAddresses AliasAddresses::of(const Jail& jail) {
    if (jail.interface.empty()) return {};
    if (jail.vnet == "new") {
        throw Error(ErrorKind::invalid_argument,
                    "freebsd.jail.interface is for addresses of the host's network; vnet has its "
                    "own: use vnetInterfaces");
    }
    AliasAddresses out{jail.interface, {}};
    for (const auto* list : {&jail.ip4_addr, &jail.ip6_addr})
        for (const auto& address : *list) out.addresses.push_back(parse_address(address));
    for (const auto& address : out.addresses) {
        if (std::visit([](const auto& wanted) { return host_has(wanted.address); }, address)) {
            throw Error(ErrorKind::already_exists,
                        "address {} is the host's already: leave out freebsd.jail.interface",
                        to_string(address));
        }
    }
    return out;
}

std::string AliasAddresses::text() const {
    std::string out = interface;
    for (const auto& address : addresses) out += " " + to_string(address);
    return out;
}

AliasAddresses AliasAddresses::parse(std::string_view text) {
    const auto words = split(text, ' ');
    if (words.empty()) return {};
    AliasAddresses out{words.front(), {}};
    for (const auto& address : words | std::views::drop(1))
        out.addresses.push_back(parse_address(address));
    return out;
}

void AliasAddresses::add() const {
    const auto add_one = [this](const auto& address) {
        freebsd_net::add_address(socket_for(address).get(), interface, address);
    };
    for (const auto& address : addresses) std::visit(add_one, address);
}

void AliasAddresses::remove() const {
    const auto remove_one = [this](const auto& address) {
        freebsd_net::remove_address(socket_for(address).get(), interface, address);
    };
    for (const auto& address : addresses) {
        try {
            std::visit(remove_one, address);
        } catch (const Error& error) {
            log::warn("{}", error.message());
        }
    }
}

}  // namespace brig::os
