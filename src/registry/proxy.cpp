// See proxy.h.
#include "registry/proxy.h"

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"
#include "os/net_address.h"
#include "registry/endpoint.h"
#include "registry/networks.h"

namespace brig::registry {
namespace {

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
    const auto address = os::parse_ip(host);
    if (entry == "*") return true;
    if (is_in_network(host, entry)) return true;
    if (const auto plain = os::parse_ip(without_brackets(entry))) return address == plain;
    if (const auto colon = entry.rfind(':'); colon != std::string::npos) {
        if (entry.substr(colon + 1) != url.port) return false;
        entry = without_brackets(entry.substr(0, colon));
        if (const auto plain = os::parse_ip(entry)) return address == plain;
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
