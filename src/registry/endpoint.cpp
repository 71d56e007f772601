// See endpoint.h. Docker's rules: docker.io is served by another host, and a registry falls back to
// plain HTTP only where that is allowed beforehand (CVE-2014-5277).
#include "registry/endpoint.h"

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/strings.h"
#include "os/net_address.h"
#include "registry/networks.h"

namespace brig::registry {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view hub = "docker.io";
/// An address, so that nobody is asked for a name; the port is one that nothing has.
constexpr std::string_view ssh_stand_in = "http://127.0.0.1:1";
constexpr std::string_view hub_host = "registry-1.docker.io";

std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

/// The directory of one host, under any name that leads there.
std::vector<fs::path> directories(const Url& url, const Settings& settings) {
    std::vector<fs::path> out;
    for (const auto& top : settings.certificates) {
        out.push_back(top / url.authority());
        if (url.port == "443") out.push_back(top / url.host);
    }
    return out;
}

}  // namespace

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    const auto address = os::Ipv4Address::parse(host);
    return address && address->loopback();
}

/// What the settings say of it: the host, the host with its port, or a network that it is in.
bool may_be_insecure(std::string_view host_and_port, const Settings& settings) {
    const std::string whole(host_and_port);
    const std::string alone(without_port(host_and_port));
    return is_loopback(alone) || settings.insecure.contains(whole) ||
           settings.insecure.contains(alone) ||
           std::ranges::any_of(settings.insecure, [&](const std::string& entry) {
               return is_in_network(alone, entry);
           });
}

Endpoint endpoint_for(std::string_view domain, const Settings& settings) {
    Endpoint out{.registry = std::string(domain), .bases = {}};
    if (oci::is_ssh_address(domain)) {
        out.ssh = oci::SshAddress::parse(domain);
        out.bases.push_back(Url::parse(ssh_stand_in));
        return out;
    }
    const std::string host(domain == hub ? hub_host : domain);
    out.may_be_insecure = may_be_insecure(domain, settings);
    out.bases.push_back(Url::parse("https://" + host));
    if (out.may_be_insecure) out.bases.push_back(Url::parse("http://" + host));
    return out;
}

Tls tls_for(const Url& url, const Settings& settings) {
    Tls out{.verify = !may_be_insecure(url.authority(), settings) &&
                      !(url.port == "443" && may_be_insecure(url.host, settings))};
    for (const auto& directory : directories(url, settings)) {
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(directory, none)) {
            const auto& path = entry.path();
            if (path.extension() == ".crt" && out.authorities.empty()) {
                out.authorities = path.string();
                out.verify = true;  // whoever names an authority wants it asked
            } else if (path.extension() == ".cert" && out.certificate.empty()) {
                out.certificate = path.string();
                out.key = fs::path(path).replace_extension(".key").string();
            }
        }
    }
    return out;
}

}  // namespace brig::registry
