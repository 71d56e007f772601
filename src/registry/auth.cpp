// See auth.h. Docker's token specification and its OAuth2 variant.
#include "registry/auth.h"

#include <algorithm>

#include "base/base64.h"
#include "base/strings.h"
#include "registry/endpoint.h"
#include "registry/errors.h"
#include "registry/replies.h"

namespace brig::registry {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_token_reply = 1U << 20U;
constexpr std::string_view client_id = "brig";
constexpr std::chrono::seconds safety_margin{10};

std::string form_encode(std::string_view text) {
    std::string out;
    for (const unsigned char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
        out += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    }
    return out;
}

std::string parameter(const Challenge& challenge, const char* name) {
    const auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
}

}  // namespace

std::optional<std::string> Authorizer::header(const std::string& scope) const {
    const std::scoped_lock lock(mutex_);
    if (!credentials_.registry_token.empty()) return "Bearer " + credentials_.registry_token;
    if (basic_) return "Basic " + base64(credentials_.username + ":" + credentials_.password);
    const auto token = tokens_.find(scope);
    if (token == tokens_.end() || token->second.expires < Clock::now()) return std::nullopt;
    return "Bearer " + token->second.value;
}

std::string Authorizer::identity_token() const {
    const std::scoped_lock lock(mutex_);
    return identity_token_;
}

void Authorizer::answer(const Url& origin, const std::vector<Challenge>& challenges,
                        const std::string& scope, const Cancelled& cancelled) {
    const auto bearer = std::ranges::find(challenges, "bearer", &Challenge::scheme);
    if (bearer != challenges.end()) {
        const Token token = fetch_token(origin, *bearer, scope, cancelled);
        const std::scoped_lock lock(mutex_);
        tokens_.insert_or_assign(scope, token);
        return;
    }
    if (std::ranges::find(challenges, "basic", &Challenge::scheme) == challenges.end()) {
        throw Error(ErrorKind::permission_denied,
                    "registry {} asks for authentication neither by Basic nor by Bearer",
                    origin.host);
    }
    if (credentials_.username.empty()) {
        throw Error(ErrorKind::permission_denied, "Get {:?}: no basic auth credentials",
                    origin.text);
    }
    const std::scoped_lock lock(mutex_);
    basic_ = true;
}

HttpRequest Authorizer::token_request(const Url& realm, const Challenge& challenge,
                                      const std::string& scope) const {
    HttpRequest request{.url = realm};
    const std::string service = parameter(challenge, "service");
    if (!credentials_.identity_token.empty()) {
        request.method = "POST";
        request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
        request.body = fmt::format(
            "grant_type=refresh_token&refresh_token={}&service={}&scope={}&client_id={}",
            form_encode(credentials_.identity_token), form_encode(service), form_encode(scope),
            client_id);
        return request;
    }
    if (!service.empty()) request.url = request.url.with_query("service", service);
    for (const auto& one : split(scope, ' ')) {
        if (!one.empty()) request.url = request.url.with_query("scope", one);
    }
    if (credentials_.username.empty()) return request;
    request.url = request.url.with_query("account", credentials_.username);
    request.url = request.url.with_query("client_id", client_id);
    if (wants_identity_token_) request.url = request.url.with_query("offline_token", "true");
    request.headers = {
        {"Authorization", "Basic " + base64(credentials_.username + ":" + credentials_.password)}};
    return request;
}

Authorizer::Token Authorizer::fetch_token(const Url& origin, const Challenge& challenge,
                                          const std::string& scope, const Cancelled& cancelled) {
    const Url realm = Url::parse(parameter(challenge, "realm"));
    if (realm.scheme == "http" && origin.scheme == "https" &&
        !may_be_insecure(realm.authority(), settings_)) {
        throw Error(ErrorKind::permission_denied,
                    "registry {} wants credentials sent to {} without encryption", origin.host,
                    realm.text);
    }
    std::string body;
    const auto request = token_request(realm, challenge, scope);
    const HttpHead head = http_.send(request, tls_for(realm, settings_),
                                     bounded(body, max_token_reply, "a token"), cancelled);
    if (head.status != 200) throw registry_error(head, body, realm);
    auto reply = parse_token_reply(body, realm.host);
    {
        const std::scoped_lock lock(mutex_);
        identity_token_ = std::move(reply.refresh_token);
    }
    return {std::move(reply.token),
            Clock::now() + std::chrono::seconds(reply.lifetime) - safety_margin};
}

}  // namespace brig::registry
