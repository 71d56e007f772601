// See proxy.h.
#include "registry/proxy.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "base/strings.h"
#include "registry/endpoint.h"

namespace brig::registry {
namespace {

using Address = std::array<std::uint8_t, 16>;
constexpr unsigned mapped_bits = 96;  // ::ffff:a.b.c.d

std::optional<Address> parse_address(const std::string& text) {
    Address out{};
    if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return out;
    out = {};
    out[10] = out[11] = 0xff;
    if (::inet_pton(AF_INET, text.c_str(), &out[12]) == 1) return out;
    return std::nullopt;
}

/// Whether both begin with the same bits.
bool agree(const Address& a, const Address& b, unsigned bits) {
    for (unsigned bit = 0; bit < bits; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        if ((a[bit / 8] & mask) != (b[bit / 8] & mask)) return false;
    }
    return true;
}

/// "10.0.0.0/8"
bool is_in_network(const Address& address, const std::string& network) {
    const auto [base, length] = split_once(network, '/');
    const auto begin = parse_address(base);
    auto bits = length ? parse_int<unsigned>(*length) : std::nullopt;
    if (!begin || !bits) return false;
    if (base.find(':') == std::string::npos) *bits += mapped_bits;
    return *bits <= 128 && agree(address, *begin, *bits);
}

std::string without_brackets(const std::string& host) {
    return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

/// "example.com" is the host and those below it, ".example.com" and "*.example.com" only these.
bool is_named_by(const std::string& host, std::string pattern) {
    if (pattern.starts_with("*.")) pattern.erase(0, 1);
    if (pattern.starts_with('.')) return host.ends_with(pattern);
    return host == pattern || host.ends_with("." + pattern);
}

/// One entry of NO_PROXY.
bool is_exempt(const Url& url, std::string entry) {
    const std::string host = without_brackets(url.host);
    const auto address = parse_address(host);
    if (entry == "*") return true;
    if (address && is_in_network(*address, entry)) return true;
    if (const auto plain = parse_address(without_brackets(entry))) return address == plain;
    if (const auto colon = entry.rfind(':'); colon != std::string::npos) {
        if (entry.substr(colon + 1) != url.port) return false;
        entry = without_brackets(entry.substr(0, colon));
        if (const auto plain = parse_address(entry)) return address == plain;
    }
    return !entry.empty() && is_named_by(host, entry);
}

std::string from_environment(const char* upper, const char* lower) {
    for (const char* name : {upper, lower}) {
        const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read once, early
        if (value != nullptr && *value != '\0') return value;
    }
    return {};
}

}  // namespace

Proxies Proxies::from_environment() {
    return {.http = registry::from_environment("HTTP_PROXY", "http_proxy"),
            .https = registry::from_environment("HTTPS_PROXY", "https_proxy"),
            .none = registry::from_environment("NO_PROXY", "no_proxy")};
}

std::string proxy_for(const Url& url, const Proxies& proxies) {
    const auto& proxy = url.scheme == "https" ? proxies.https : proxies.http;
    if (proxy.empty() || is_loopback(without_brackets(url.host))) return {};
    const auto entries = split(to_lower(proxies.none), ',');
    const bool exempt = std::ranges::any_of(
        entries, [&](const auto& entry) { return is_exempt(url, std::string(trim(entry))); });
    return exempt ? std::string() : proxy;
}

}  // namespace brig::registry
