#include "os/net_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) {
    const auto parts = split(text, '.');
    if (parts.size() != 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const auto& part : parts) {
        const auto number = parse_int<std::uint32_t>(part);
        if (!number || *number > 255 || (part.size() > 1 && part[0] == '0')) return std::nullopt;
        value = value << 8U | *number;
    }
    return Ipv4Address(value);
}

std::string Ipv4Address::str() const {
    return fmt::format("{}.{}.{}.{}", value_ >> 24U, value_ >> 16U & 255U, value_ >> 8U & 255U,
                       value_ & 255U);
}

Ipv4Interface Ipv4Interface::parse(std::string_view text) {
    const auto [address, length] = split_once(text, '/');
    const auto parsed = Ipv4Address::parse(address);
    const auto prefix = parse_int<unsigned>(length.value_or("32"));
    if (!parsed || !prefix || *prefix > 32) {
        throw Error(ErrorKind::invalid_argument, "{} is not an IPv4 address with a prefix length",
                    text);
    }
    return {*parsed, *prefix};
}

std::string Ipv4Interface::str() const { return fmt::format("{}/{}", address.str(), prefix); }

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) {
    Bytes bytes;
    if (::inet_pton(AF_INET6, std::string(text).c_str(), bytes.data()) != 1) return std::nullopt;
    return Ipv6Address(bytes);
}

std::string Ipv6Address::str() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
}

bool Ipv6Address::loopback() const {
    return bytes_.back() == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1,
                                             [](std::uint8_t byte) { return byte == 0; });
}

bool Ipv6Address::link_local() const { return bytes_[0] == 0xfe && (bytes_[1] & 0xc0U) == 0x80; }

Ipv6Interface Ipv6Interface::parse(std::string_view text) {
    const auto [address, length] = split_once(text, '/');
    const auto parsed = Ipv6Address::parse(address);
    const auto prefix = parse_int<unsigned>(length.value_or("128"));
    if (!parsed || !prefix || *prefix > 128) {
        throw Error(ErrorKind::invalid_argument, "{} is not an IPv6 address with a prefix length",
                    text);
    }
    return {*parsed, *prefix};
}

Ipv6Interface Ipv6Interface::network() const {
    auto bytes = address.bytes();
    for (unsigned bit = prefix; bit < 128; ++bit)
        bytes.at(bit / 8) &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
    return {Ipv6Address(bytes), prefix};
}

Ipv6Interface Ipv6Interface::at(std::uint32_t offset) const {
    auto bytes = network().address.bytes();
    for (std::size_t i = 0; i < 4; ++i)
        bytes.at(15 - i) |= static_cast<std::uint8_t>(offset >> 8 * i);
    return {Ipv6Address(bytes), prefix};
}

std::string Ipv6Interface::str() const { return fmt::format("{}/{}", address.str(), prefix); }

std::optional<IpAddress> parse_ip(std::string_view text) {
    if (const auto ip = Ipv4Address::parse(text)) return *ip;
    if (const auto ip = Ipv6Address::parse(text)) return *ip;
    return std::nullopt;
}

std::string to_string(const IpAddress& address) {
    return std::visit([](const auto& one) { return one.str(); }, address);
}

bool is_any(const IpAddress& address) {
    return std::visit([](const auto& one) { return one.any(); }, address);
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    MacAddress mac;
    if (text.size() != 17) return std::nullopt;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const auto digits = text.substr(i * 3, 2);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + 2, mac.bytes[i], 16);
        if (error != std::errc{} || end != digits.data() + 2) return std::nullopt;
        if (i < 5 && text[i * 3 + 2] != ':') return std::nullopt;
    }
    // A multicast address cannot be an interface's.
    if ((mac.bytes[0] & 1U) != 0) return std::nullopt;
    return mac;
}

MacAddress MacAddress::for_address(Ipv4Address address) {
    const auto value = address.value();
    const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(value >> shift); };
    return {{0x02, 0x42, byte(24), byte(16), byte(8), byte(0)}};
}

std::string MacAddress::str() const {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2],
                       bytes[3], bytes[4], bytes[5]);
}

std::string_view to_string(Protocol protocol) { return protocol == Protocol::udp ? "udp" : "tcp"; }

std::optional<Protocol> parse_protocol(std::string_view text) {
    if (text == "tcp") return Protocol::tcp;
    if (text == "udp") return Protocol::udp;
    return std::nullopt;
}

}  // namespace brig::os
