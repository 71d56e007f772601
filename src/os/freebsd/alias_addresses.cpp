// See alias_addresses.h.
#include "os/freebsd/alias_addresses.h"

#include <ifaddrs.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <cstring>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/freebsd/interface_requests.h"

namespace brig::os {
namespace {

bool is_ipv6_text(std::string_view text) { return text.find(':') != std::string_view::npos; }

/// A host's own, where nothing is said.
std::string with_prefix(const std::string& address) {
    if (address.find('/') != std::string::npos) return address;
    return address + (is_ipv6_text(address) ? "/128" : "/32");
}

IpAddress address_of(const std::string& text) {
    if (is_ipv6_text(text)) return Ipv6Interface::parse(text).address;
    return Ipv4Interface::parse(text).address;
}

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
        for (const auto& address : *list) out.addresses.push_back(with_prefix(address));
    for (const auto& address : out.addresses) {
        if (host_has(address_of(address))) {
            throw Error(ErrorKind::already_exists,
                        "address {} is the host's already: leave out freebsd.jail.interface",
                        address);
        }
    }
    return out;
}

std::string AliasAddresses::text() const {
    std::string out = interface;
    for (const auto& address : addresses) out += " " + address;
    return out;
}

AliasAddresses AliasAddresses::parse(std::string_view text) {
    auto words = split(text, ' ');
    if (words.empty()) return {};
    AliasAddresses out{words.front(), {}};
    out.addresses.assign(words.begin() + 1, words.end());
    return out;
}

void AliasAddresses::add() const {
    using namespace freebsd_net;
    for (const auto& address : addresses) {
        if (is_ipv6_text(address))
            add_address(interface_socket6().get(), interface, Ipv6Interface::parse(address));
        else
            add_address(interface_socket().get(), interface, Ipv4Interface::parse(address));
    }
}

void AliasAddresses::remove() const {
    using namespace freebsd_net;
    for (const auto& address : addresses) {
        try {
            if (is_ipv6_text(address))
                remove_address(interface_socket6().get(), interface, Ipv6Interface::parse(address));
            else
                remove_address(interface_socket().get(), interface, Ipv4Interface::parse(address));
        } catch (const Error& error) {
            log::warn("{}", error.message());
        }
    }
}

}  // namespace brig::os
