// IP and MAC addresses as values: what IPAM counts with, and what the kernels and the firewalls
// are told. Nothing but these types ever becomes an address in a rule or a netlink message.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace brig::os {

class Ipv4Address {
public:
    constexpr Ipv4Address() = default;
    /// In host byte order: 0x7f000001 is 127.0.0.1.
    constexpr explicit Ipv4Address(std::uint32_t value) : value_(value) {}
    /// Strict dotted decimal (no leading zeros, four parts), or nothing.
    static std::optional<Ipv4Address> parse(std::string_view text);

    [[nodiscard]] constexpr std::uint32_t value() const { return value_; }
    [[nodiscard]] std::string str() const;
    /// 0.0.0.0
    [[nodiscard]] constexpr bool any() const { return value_ == 0; }
    [[nodiscard]] constexpr bool loopback() const { return value_ >> 24U == 127; }
    auto operator<=>(const Ipv4Address&) const = default;

private:
    std::uint32_t value_ = 0;
};

/// An address with the length of its network's prefix: "172.30.0.1/16".
struct Ipv4Interface {
    Ipv4Address address;
    unsigned prefix = 32;

    /// Throws Error{invalid_argument} naming the text.
    static Ipv4Interface parse(std::string_view text);
    [[nodiscard]] constexpr std::uint32_t mask() const {
        return prefix == 0 ? 0U : ~std::uint32_t{0} << (32U - prefix);
    }
    /// The network's own address with the same prefix: "172.30.0.0/16".
    [[nodiscard]] Ipv4Interface network() const {
        return {Ipv4Address(address.value() & mask()), prefix};
    }
    [[nodiscard]] Ipv4Address broadcast() const { return Ipv4Address(address.value() | ~mask()); }
    [[nodiscard]] bool contains(Ipv4Address other) const {
        return (other.value() & mask()) == (address.value() & mask());
    }
    [[nodiscard]] std::string str() const;
    auto operator<=>(const Ipv4Interface&) const = default;
};

class Ipv6Address {
public:
    using Bytes = std::array<std::uint8_t, 16>;  ///< in network order
    constexpr Ipv6Address() = default;
    constexpr explicit Ipv6Address(const Bytes& bytes) : bytes_(bytes) {}
    /// Any of RFC 4291's forms, without a zone; or nothing.
    static std::optional<Ipv6Address> parse(std::string_view text);

    [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
    /// RFC 5952's form.
    [[nodiscard]] std::string str() const;
    /// ::
    [[nodiscard]] bool any() const { return bytes_ == Bytes{}; }
    [[nodiscard]] bool loopback() const;
    [[nodiscard]] bool link_local() const;
    auto operator<=>(const Ipv6Address&) const = default;

private:
    Bytes bytes_{};
};

/// "2001:db8::1/64".
struct Ipv6Interface {
    Ipv6Address address;
    unsigned prefix = 128;

    /// Throws Error{invalid_argument} naming the text.
    static Ipv6Interface parse(std::string_view text);
    /// The network's own address with the same prefix.
    [[nodiscard]] Ipv6Interface network() const;
    /// The address this many after the network's own, with the same prefix. There must be so many.
    [[nodiscard]] Ipv6Interface at(std::uint32_t offset) const;
    [[nodiscard]] std::string str() const;
    auto operator<=>(const Ipv6Interface&) const = default;
};

using IpAddress = std::variant<Ipv4Address, Ipv6Address>;
/// Of either family, or nothing.
std::optional<IpAddress> parse_ip(std::string_view text);
std::string to_string(const IpAddress& address);
inline bool is_ipv6(const IpAddress& address) {
    return std::holds_alternative<Ipv6Address>(address);
}
/// 0.0.0.0 or ::
bool is_any(const IpAddress& address);

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    static std::optional<MacAddress> parse(std::string_view text);
    /// 02:42:IP, as docker's: stable for an address and unique on its bridge.
    static MacAddress for_address(Ipv4Address address);
    [[nodiscard]] std::string str() const;
    auto operator<=>(const MacAddress&) const = default;
};

enum class Protocol : std::uint8_t { tcp, udp };
/// "tcp", "udp".
std::string_view to_string(Protocol protocol);
std::optional<Protocol> parse_protocol(std::string_view text);

}  // namespace brig::os
