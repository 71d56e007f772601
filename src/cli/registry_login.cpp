// See registry_login.h.
#include "cli/registry_login.h"

#include <algorithm>
#include <cstdlib>

#include "base/base64.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "cli/credential_helper.h"
#include "oci/reference.h"

namespace brig::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view hub = "docker.io";
constexpr std::string_view hub_key = "https://index.docker.io/v1/";

/// Keys may be URLs, as old clients wrote them.
std::string host_of(std::string_view key) {
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
    }
    return std::string(key.substr(0, key.find('/')));
}

std::optional<RegistryLogin> from_entry(const Json& entry) {
    RegistryLogin out{.username = text_of(entry, "username"),
                      .secret = text_of(entry, "password"),
                      .identity_token = text_of(entry, "identitytoken")};
    if (const auto both = from_base64(text_of(entry, "auth")); both && !both->empty()) {
        const auto [user, secret] = split_once(*both, ':');
        out.username = user;
        out.secret = secret.value_or("");
        while (out.secret.ends_with('\0')) out.secret.pop_back();
    }
    if (out.username.empty() && out.identity_token.empty()) return std::nullopt;
    return out;
}

}  // namespace

std::string login_key(std::string_view server) {
    return server == hub ? std::string(hub_key) : std::string(server);
}

fs::path config_directory() {
    if (const char* directory = std::getenv("DOCKER_CONFIG"); directory != nullptr && *directory)
        return directory;
    const char* home = std::getenv("HOME");
    return fs::path(home != nullptr ? home : "/") / ".docker";
}

LoginStore::LoginStore() : LoginStore(config_directory() / "config.json") {}

LoginStore::LoginStore(fs::path file) : file_(std::move(file)), config_(Json::object()) {
    std::error_code none;
    if (!fs::exists(file_, none)) return;
    config_ = Json::parse(read_file(file_, 16U << 20U), nullptr, false);
    if (!config_.is_object()) {
        throw Error(ErrorKind::invalid_argument, "{} is not a JSON object: mend or remove it",
                    file_.string());
    }
}

std::string LoginStore::helper_for(const std::string& server) const {
    const Json& helper = at_path(config_, "credHelpers", login_key(server));
    if (helper.is_string()) return helper.get<std::string>();
    const Json& own = at_path(config_, "credHelpers", server);
    if (own.is_string()) return own.get<std::string>();
    return text_of(config_, "credsStore");
}

const Json* LoginStore::entry(const std::string& server) const {
    const Json& logins = at_path(config_, "auths");
    if (!logins.is_object()) return nullptr;
    const auto exact = logins.find(login_key(server));
    if (exact != logins.end()) return &*exact;
    for (const auto& [key, value] : logins.items()) {
        if (host_of(key) == server) return &value;
    }
    return nullptr;
}

std::optional<RegistryLogin> LoginStore::find(const std::string& server) const {
    if (const auto helper = helper_for(server); !helper.empty())
        return helper_get(helper, login_key(server));
    const Json* found = entry(server);
    return found == nullptr ? std::nullopt : from_entry(*found);
}

void LoginStore::write() const {
    make_directories(file_.parent_path(), 0700);
    // Where it is a link, as those who keep such files elsewhere have it, it stays one.
    write_file_atomic(fs::weakly_canonical(file_), config_.dump(1, '\t') + "\n", 0600);
}

void LoginStore::save(const std::string& server, const RegistryLogin& login) {
    const auto key = login_key(server);
    Json& kept = config_["auths"][key];
    kept = Json::object();
    if (const auto helper = helper_for(server); !helper.empty()) {
        helper_store(helper, key, login);
    } else {
        kept["auth"] = base64(login.username + ":" +
                              (login.identity_token.empty() ? login.secret : std::string()));
        if (!login.identity_token.empty()) kept["identitytoken"] = login.identity_token;
    }
    write();
}

bool LoginStore::erase(const std::string& server) {
    const auto helper = helper_for(server);
    const bool was_there = entry(server) != nullptr;
    if (!was_there) return false;
    if (!helper.empty()) helper_erase(helper, login_key(server));
    Json& logins = config_["auths"];
    std::vector<std::string> keys;
    for (const auto& [key, value] : logins.items()) {
        if (key == login_key(server) || host_of(key) == server) keys.push_back(key);
    }
    for (const auto& key : keys) logins.erase(key);
    write();
    return true;
}

std::string LoginStore::plain_file(const std::string& server) const {
    return helper_for(server).empty() ? file_.string() : std::string();
}

std::vector<std::string> LoginStore::servers() const {
    std::vector<std::string> out;
    for (const char* part : {"auths", "credHelpers"}) {
        const Json& known = at_path(config_, part);
        if (!known.is_object()) continue;
        for (const auto& [key, value] : known.items()) {
            const auto host = host_of(key);
            out.push_back(host == host_of(hub_key) ? std::string(hub) : host);
        }
    }
    std::ranges::sort(out);
    const auto twice = std::ranges::unique(out);
    out.erase(twice.begin(), twice.end());
    return out;
}

std::string registry_of_image(const std::string& image) {
    return oci::Reference::parse(image).domain;
}

namespace {

Json login_document(const RegistryLogin& login, const std::string& server) {
    Json document{{"serveraddress", login_key(server)}};
    if (!login.identity_token.empty()) {
        document["identitytoken"] = login.identity_token;
    } else {
        document["username"] = login.username;
        document["password"] = login.secret;
    }
    return document;
}

std::string for_header(const Json& document) {
    std::string text = base64(document.dump());
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return text;
}

}  // namespace

std::string encode_login(const RegistryLogin& login, const std::string& server) {
    return for_header(login_document(login, server));
}

std::string registry_config() {
    const LoginStore store;
    Json all = Json::object();
    for (const auto& server : store.servers()) {
        if (const auto login = store.find(server))
            all[login_key(server)] = login_document(*login, server);
    }
    return all.empty() ? std::string() : for_header(all);
}

std::string registry_auth(const std::string& image) {
    const auto reference = oci::Reference::try_parse(image);
    if (!reference) return {};  // the engine says what is wrong with it
    const auto login = LoginStore().find(reference->domain);
    return login ? encode_login(*login, reference->domain) : std::string();
}

}  // namespace brig::cli
