// Credentials for registries as docker keeps them: ~/.docker/config.json, or a docker-credential-*
// program that it names.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/json.h"

namespace brig::cli {

struct RegistryLogin {
    std::string username;
    std::string secret;          ///< password
    std::string identity_token;  ///< instead of a password
};

/// config.json under $DOCKER_CONFIG or ~/.docker. What it holds beside credentials is kept.
class LoginStore {
public:
    LoginStore();
    explicit LoginStore(std::filesystem::path file);

    /// `server` is a registry's "HOST[:PORT]"; docker.io has a name of its own in the file.
    [[nodiscard]] std::optional<RegistryLogin> find(const std::string& server) const;
    void save(const std::string& server, const RegistryLogin& login);
    /// False when there was nothing.
    bool erase(const std::string& server);
    /// Whoever a login is known for.
    [[nodiscard]] std::vector<std::string> servers() const;
    /// Where save() writes a password in the clear; empty where a program keeps it.
    [[nodiscard]] std::string plain_file(const std::string& server) const;

private:
    [[nodiscard]] std::string helper_for(const std::string& server) const;
    [[nodiscard]] const Json* entry(const std::string& server) const;
    void write() const;

    std::filesystem::path file_;
    Json config_;
};

/// Where docker's config.json is: $DOCKER_CONFIG or ~/.docker.
std::filesystem::path config_directory();

/// The registry of an image's name: "docker.io", "localhost:5000". Throws Error{invalid_argument}.
std::string registry_of_image(const std::string& image);
/// The name of a registry in docker's file: docker.io's is an old URL.
std::string login_key(std::string_view server);
/// X-Registry-Auth for requests about an image.
std::string registry_auth(const std::string& image);
/// X-Registry-Config, for builds: all logins that are known. Empty: there is none.
std::string registry_config();
std::string encode_login(const RegistryLogin& login, const std::string& server);

}  // namespace brig::cli
