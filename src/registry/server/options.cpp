// See program.h.
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <map>

#include "base/log.h"
#include "base/strings.h"
#include "os/net_address.h"
#include "os/places.h"
#include "registry/server/program.h"

namespace brig::registry::server {
namespace {

namespace fs = std::filesystem;

/// root's is the system's, anybody else's is their own (XDG base directory specification).
fs::path default_root() {
    if (::geteuid() == 0) return os::default_places().root.parent_path() / "brig-registry";
    if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/')
        return fs::path(data) / "brig-registry";
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home != '/')
        throw Error(ErrorKind::invalid_argument, "there is no home directory: give --root DIR");
    return fs::path(home) / ".local/share/brig-registry";
}

std::chrono::seconds parse_seconds(const std::string& text) {
    static const std::map<char, int> units{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const auto unit = text.empty() ? units.end() : units.find(text.back());
    const auto number =
        parse_int<std::int32_t>(unit == units.end() ? text : text.substr(0, text.size() - 1));
    if (!number || *number < 0)
        throw Error(ErrorKind::invalid_argument, "{:?} is not a time like 90s, 10m, 1h", text);
    return std::chrono::seconds(*number) * (unit == units.end() ? 1 : unit->second);
}

using Setter = std::function<void(const std::string&)>;

std::map<std::string, Setter> switches(Options& out) {
    return {{"stdio", [&](const auto&) { out.stdio = true; }},
            {"read-only", [&](const auto&) { out.access.read_only = true; }},
            {"insecure", [&](const auto&) { out.insecure = true; }},
            {"untagged", [&](const auto&) { out.collect.untagged = true; }},
            {"debug", [&](const auto&) { log::set_level(log::Level::debug); }}};
}

std::map<std::string, Setter> values(Options& out) {
    return {{"listen", [&](const auto& text) { out.listen = text; }},
            {"root", [&](const auto& text) { out.root = text; }},
            {"tls-cert", [&](const auto& text) { out.tls.certificate = text; }},
            {"tls-key", [&](const auto& text) { out.tls.key = text; }},
            {"htpasswd", [&](const auto& text) { out.access.htpasswd = text; }},
            {"repository", [&](const auto& text) { out.access.repositories.push_back(text); }},
            {"grace", [&](const auto& text) { out.collect.grace = parse_seconds(text); }}};
}

bool is_loopback(const std::string& address) {
    const auto host = address.substr(0, address.rfind(':'));
    if (host == "localhost" || host == "[::1]") return true;
    const auto parsed = os::Ipv4Address::parse(host);
    return parsed && parsed->loopback();
}

void apply_arguments(Options& out, const std::vector<std::string>& arguments) {
    const auto flags = switches(out);
    const auto settings = values(out);
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        auto [key, value] = split_once(arguments[i], '=');
        const std::string name = key.starts_with("--") ? key.substr(2) : std::string();
        if (const auto flag = flags.find(name); flag != flags.end() && !value) {
            flag->second("");
        } else if (const auto setting = settings.find(name); setting != settings.end()) {
            if (!value && i + 1 == arguments.size())
                throw Error(ErrorKind::invalid_argument, "{} needs a value", key);
            setting->second(value ? *value : arguments[++i]);
        } else {
            throw Error(ErrorKind::invalid_argument, "registry {}: unknown option {}", arguments[0],
                        arguments[i]);
        }
    }
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments) {
    Options out;
    if (arguments.empty() || (arguments[0] != "serve" && arguments[0] != "gc"))
        throw Error(ErrorKind::invalid_argument, "registry: want serve or gc");
    out.gc = arguments[0] == "gc";
    apply_arguments(out, arguments);
    if (out.root.empty()) out.root = default_root();
    if (out.tls.certificate.empty() != out.tls.key.empty())
        throw Error(ErrorKind::invalid_argument, "--tls-cert and --tls-key go together");
    return out;
}

void check_exposure(const Options& options) {
    if (options.stdio || options.gc || options.insecure || is_loopback(options.listen)) return;
    if (options.tls.certificate.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "{} can be reached by others: give --tls-cert and --tls-key, or --insecure",
                    options.listen);
    }
    if (options.access.htpasswd.empty() && !options.access.read_only) {
        throw Error(ErrorKind::invalid_argument,
                    "anybody who reaches {} could push: give --htpasswd, --read-only or --insecure",
                    options.listen);
    }
}

}  // namespace brig::registry::server
