// See session.h.
#include "cli/session.h"

#include <unistd.h>

#include <cstdlib>

#include "base/version.h"
#include "os/places.h"

namespace brig::cli {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

std::string chosen_host(const SessionOptions& options) {
    if (!options.host.empty()) return options.host;
    if (!options.run.empty()) return {};
    if (auto host = environment("BRIG_HOST"); !host.empty()) return host;
    return environment("DOCKER_HOST");
}

std::string chosen_version() {
    auto version = environment("DOCKER_API_VERSION");
    return version.empty() ? std::string(api_version) : version;
}

}  // namespace

client::Client& Session::engine() {
    if (!client_) client_ = connect();
    return *client_;
}

std::unique_ptr<client::Client> Session::connect() {
    const std::string host = chosen_host(options_);
    if (!host.empty()) {
        return std::make_unique<client::Client>(client::Endpoint::parse(host), chosen_version());
    }
    const auto run =
        options_.run.empty() ? os::default_places().run : std::filesystem::absolute(options_.run);
    const client::Endpoint endpoint{(run / "brig.sock").string()};
    auto client = std::make_unique<client::Client>(endpoint, chosen_version());
    try {
        client->connect_now();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable || ::geteuid() != 0) throw;
        start_embedded_engine(options_, endpoint);
        client->connect_now();
    }
    return client;
}

}  // namespace brig::cli
