// What the registry client is told: which hosts may be insecure, whose certificates count, how
// patient to be. And who it speaks for.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace brig::registry {

/// Whether nobody waits for the result any more; asked often, from several threads.
using Cancelled = std::function<bool()>;

/// A server that has copies of a registry's images.
struct Mirror {
    std::string host;       ///< "HOST[:PORT]"
    std::string path = {};  ///< in front of a repository's own: "proxy/docker"
    bool insecure = false;

    bool operator==(const Mirror&) const = default;
    /// "HOST[:PORT][/PATH]", or docker's URL of it. Throws Error{invalid_argument}.
    static Mirror parse(std::string_view location);
};
/// By registries' names, as images have them ("docker.io"); asked in this order.
using Mirrors = std::map<std::string, std::vector<Mirror>, std::less<>>;

/// As URLs, or HOST:PORT; empty: none.
struct Proxies {
    std::string http;   ///< for http:// URLs
    std::string https;  ///< for https:// URLs
    std::string none;   ///< hosts, domains, networks that are reached directly, with commas between

    /// HTTP_PROXY, HTTPS_PROXY, NO_PROXY, or the same in lower case.
    static Proxies from_environment();
};

struct Settings {
    /// "HOST[:PORT]" of registries that may have any certificate or speak plain HTTP. Loopback
    /// addresses always may.
    std::set<std::string> insecure;
    Mirrors mirrors = {};
    Proxies proxies = {};
    /// DIR/HOST[:PORT]/{*.crt, NAME.cert with NAME.key}, as docker has them.
    std::vector<std::filesystem::path> certificates{"/etc/brig/certs.d", "/etc/docker/certs.d"};
    /// ssh and its options, for registries of ssh:// names.
    std::vector<std::string> ssh_command{"ssh"};
    std::string user_agent = "brig";
    std::size_t downloads = 3;  ///< blobs at the same time, as docker's default is
    std::size_t uploads = 5;
    int attempts = 5;
    std::chrono::milliseconds first_delay{500};  ///< doubled with every attempt
    std::chrono::milliseconds longest_delay{30'000};
    std::chrono::seconds connect_timeout{15};
    std::chrono::seconds stall_timeout{60};  ///< without a single byte
    /// Replaced in tests.
    std::function<void(std::chrono::milliseconds)> sleep = {};
};

/// What a client sends as X-Registry-Auth. All empty: anonymous.
struct Credentials {
    std::string username;
    std::string password;
    std::string identity_token;  ///< an OAuth2 refresh token instead of a password
    std::string registry_token;  ///< a Bearer token, used as it is

    [[nodiscard]] bool empty() const {
        return username.empty() && password.empty() && identity_token.empty() &&
               registry_token.empty();
    }
};

}  // namespace brig::registry
