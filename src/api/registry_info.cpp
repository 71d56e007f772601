// What GET /info says of registries: which may be insecure, their mirrors, proxies.
#include <nlohmann/json.hpp>

#include "api/images_registry.h"

namespace brig::api {
namespace {

using nlohmann::json;

json urls_of(const std::vector<registry::Mirror>& mirrors) {
    json out = json::array();
    for (const auto& mirror : mirrors) {
        const auto path = mirror.path.empty() ? "" : mirror.path + "/";
        out.push_back(
            fmt::format("{}://{}/{}", mirror.insecure ? "http" : "https", mirror.host, path));
    }
    return out;
}

/// Passwords are nobody's business.
std::string without_user(std::string proxy) {
    const auto at = proxy.rfind('@');
    if (at == std::string::npos) return proxy;
    const auto scheme = proxy.find("://");
    const auto begin = scheme == std::string::npos ? 0 : scheme + 3;
    return proxy.replace(begin, at - begin, "xxxxx:xxxxx");
}

}  // namespace

void add_registry_info(json& info, const registry::Settings& settings) {
    json indexes = json::object();
    const auto add = [&](const std::string& name) {
        if (indexes.contains(name)) return;
        const auto mirrors = settings.mirrors.find(name);
        indexes[name] = {{"Name", name},
                         {"Mirrors", mirrors == settings.mirrors.end() ? json::array()
                                                                       : urls_of(mirrors->second)},
                         {"Secure", !settings.insecure.contains(name)},
                         {"Official", name == "docker.io"}};
    };
    add("docker.io");
    json networks{"127.0.0.0/8", "::1/128"};
    for (const auto& entry : settings.insecure) {
        if (entry.find('/') == std::string::npos) {
            add(entry);
        } else {
            networks.push_back(entry);
        }
    }
    for (const auto& [name, mirrors] : settings.mirrors) add(name);
    auto& config = info["RegistryConfig"];
    config["InsecureRegistryCIDRs"] = std::move(networks);
    config["Mirrors"] = indexes["docker.io"]["Mirrors"];
    config["IndexConfigs"] = std::move(indexes);
    info["HttpProxy"] = without_user(settings.proxies.http);
    info["HttpsProxy"] = without_user(settings.proxies.https);
    info["NoProxy"] = settings.proxies.none;
}

}  // namespace brig::api
