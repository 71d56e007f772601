// Answers to challenges: Basic credentials, or tokens from the server that a Bearer challenge
// names.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "registry/challenge.h"
#include "registry/http.h"

namespace brig::registry {

/// For one registry and one user. Thread-safe.
class Authorizer {
public:
    Authorizer(Http& http, const Settings& settings, Credentials credentials)
        : http_(http), settings_(settings), credentials_(std::move(credentials)) {}

    /// The value of Authorization for requests within `scope`, as far as is known by now.
    [[nodiscard]] std::optional<std::string> header(const std::string& scope) const;
    /// Finds an answer to the challenges of a 401 from `origin`; header() gives it from then on.
    /// Throws Error{permission_denied} where there is none.
    void answer(const Url& origin, const std::vector<Challenge>& challenges,
                const std::string& scope, const Cancelled& cancelled);
    /// Asks for an identity token with the next token, as login does.
    void want_identity_token() { wants_identity_token_ = true; }
    /// The identity token that the last token server gave; empty without one.
    [[nodiscard]] std::string identity_token() const;

private:
    struct Token {
        std::string value;
        std::chrono::steady_clock::time_point expires;
    };
    Token fetch_token(const Url& origin, const Challenge& challenge, const std::string& scope,
                      const Cancelled& cancelled);
    [[nodiscard]] HttpRequest token_request(const Url& realm, const Challenge& challenge,
                                            const std::string& scope) const;

    Http& http_;
    const Settings& settings_;
    Credentials credentials_;
    mutable std::mutex mutex_;
    bool basic_ = false;
    std::map<std::string, Token> tokens_;  ///< by scope
    std::string identity_token_;
    bool wants_identity_token_ = false;  ///< set before there are threads
};

}  // namespace brig::registry
