// Requests to one registry for one user: the way to it, authentication, redirects, retries.
#pragma once

#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/auth.h"
#include "registry/endpoint.h"
#include "registry/errors.h"
#include "registry/http.h"

namespace brig::registry {

struct Call {
    std::string method = "GET";
    /// A path beneath the registry's /v2/, or an absolute URL that the registry gave.
    std::string target;
    std::string scope;  ///< "repository:library/busybox:pull"
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    std::optional<FileBody> file = {};
    std::function<void(std::uint64_t)> on_sent = {};
    bool retry = true;  ///< false for a caller who can do better than starting over
};

struct Answer {
    HttpHead head;
    Url url;  ///< of the request, where a relative Location starts
};

/// Thread-safe.
class Session {
public:
    Session(Settings settings, std::string_view registry, const Credentials& credentials,
            Cancelled cancelled = {});

    /// Bodies of successful answers go to `sink`. Throws RegistryError for all others,
    /// TransportError, Error. `restart` is called before a body comes from its beginning again.
    Answer call(const Call& call, const BodySink& sink, const std::function<void()>& restart = {});
    /// With the body as text, at most `limit` bytes.
    struct Text {
        Answer answer;
        std::string body;
    };
    Text text(const Call& call, std::size_t limit);
    /// Checks the credentials, as login does. Returns an identity token where the registry gives
    /// one.
    std::string login();

    [[nodiscard]] const std::string& registry() const { return endpoint_.registry; }
    [[nodiscard]] const Settings& settings() const { return settings_; }
    [[nodiscard]] const Cancelled& cancelled() const { return cancelled_; }

private:
    Url base();
    bool try_base(const Url& candidate, std::exception_ptr& earlier);
    Answer attempt(const Call& call, const BodySink& sink);
    Answer follow(HttpRequest request, const Call& call, const BodySink& sink);
    RegistryError refusal_of(const HttpHead& head, std::string_view body, const Url& url,
                             const Url& home);
    [[nodiscard]] Url redirect_target(const Url& from, const HttpHead& head) const;

    Settings settings_;
    Endpoint endpoint_;
    Cancelled cancelled_;
    Http http_;
    Authorizer authorizer_;
    bool has_credentials_;
    std::mutex mutex_;
    std::optional<Url> base_;
    std::vector<Challenge> challenges_;
};

}  // namespace brig::registry
