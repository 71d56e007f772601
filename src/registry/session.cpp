// See session.h.
#include "registry/session.h"

#include <algorithm>

#include "base/strings.h"
#include "registry/backoff.h"

namespace brig::registry {
namespace {

constexpr int max_redirects = 5;
constexpr std::size_t max_login_answer = 1U << 20U;

std::vector<Challenge> challenges_of(const HttpHead& head) {
    std::vector<Challenge> out;
    const auto [begin, end] = head.headers.equal_range("www-authenticate");
    for (auto at = begin; at != end; ++at) {
        for (auto& challenge : parse_challenges(at->second)) out.push_back(std::move(challenge));
    }
    return out;
}

bool is_success(const HttpHead& head) { return head.status >= 200 && head.status < 300; }
bool is_redirect(const HttpHead& head) {
    return head.status == 301 || head.status == 302 || head.status == 303 || head.status == 307 ||
           head.status == 308;
}
bool has_scheme(std::string_view target) { return target.find("://") != std::string_view::npos; }

}  // namespace

Session::Session(Settings settings, std::string_view registry, const Credentials& credentials,
                 Cancelled cancelled)
    : settings_(std::move(settings)),
      endpoint_(endpoint_for(registry, settings_)),
      cancelled_(std::move(cancelled)),
      http_(settings_, endpoint_.ssh),
      authorizer_(http_, settings_, credentials),
      has_credentials_(!credentials.empty()) {}

/// What answers as a registry does; a server that may be insecure is asked by https first, and
/// `earlier` is why that did not do.
bool Session::try_base(const Url& candidate, std::exception_ptr& earlier) {
    const bool is_last = candidate.text == endpoint_.bases.back().text;
    std::string body;
    try {
        const Url url = candidate.resolve("/v2/");
        const HttpHead head =
            http_.send({.url = url}, tls_for(url, settings_), error_body(body), cancelled_);
        // Plain HTTP spoken to a TLS port is answered with 400 by Go's servers.
        if (head.status == 400 && !is_last) return false;
        if (head.status == 400 && earlier) std::rethrow_exception(earlier);
        if (!is_success(head) && head.status != 401 && head.status != 404 && !is_redirect(head)) {
            throw registry_error(head, body, url);
        }
        if (head.status == 401) challenges_ = challenges_of(head);
    } catch (const TransportError&) {
        if (is_last) throw;
        earlier = std::current_exception();
        return false;
    }
    base_ = candidate;
    return true;
}

Url Session::base() {
    const std::scoped_lock lock(mutex_);
    if (base_) return *base_;
    Backoff backoff(settings_, cancelled_);
    for (;;) {
        try {
            std::exception_ptr earlier;
            for (const auto& candidate : endpoint_.bases) {
                if (try_base(candidate, earlier)) return *base_;
            }
        } catch (const RegistryError& e) {
            if (!e.passing() || !backoff.wait(e.retry_after)) throw;
        }
    }
}

/// Where a registry has sent us to, nobody may ask for its credentials (CVE-2020-15157).
RegistryError Session::refusal_of(const HttpHead& head, std::string_view body, const Url& url,
                                  const Url& home) {
    RegistryError out = registry_error(head, body, url);
    if (head.status != 401 || !url.same_origin(home)) return out;
    const std::scoped_lock lock(mutex_);
    challenges_ = challenges_of(head);
    for (const auto& challenge : challenges_) {
        // The token was good and is not enough.
        const auto error = challenge.parameters.find("error");
        if (error != challenge.parameters.end() && error->second == "insufficient_scope") {
            out = {ErrorKind::permission_denied, head.status, "DENIED",
                   "denied: requested access to the resource is denied"};
        }
    }
    out.is_challenge = true;
    return out;
}

Url Session::redirect_target(const Url& from, const HttpHead& head) const {
    const Url target = from.resolve(head.header("location"));
    if (from.scheme == "https" && target.scheme == "http" &&
        !may_be_insecure(target.authority(), settings_)) {
        throw Error(ErrorKind::permission_denied, "{} redirects to {} without encryption",
                    from.text, target.text);
    }
    return target;
}

/// Sends a request where it leads to. Credentials go to the registry's own origin alone
/// (CVE-2020-15157).
Answer Session::follow(HttpRequest request, const Call& call, const BodySink& sink) {
    const Url home = base();
    for (int redirects = 0;; ++redirects) {
        HttpRequest sent = request;
        if (const auto value = authorizer_.header(call.scope);
            value && sent.url.same_origin(home)) {
            sent.headers.emplace_back("Authorization", *value);
        }
        std::string refusal;
        const BodySink keep = error_body(refusal);
        const HttpHead head = http_.send(
            sent, tls_for(sent.url, settings_),
            [&](const HttpHead& so_far, std::span<const std::byte> data) {
                is_success(so_far) ? sink(so_far, data) : keep(so_far, data);
            },
            cancelled_);
        if (is_success(head)) return {head, sent.url};
        const bool may_follow = call.method == "GET" || call.method == "HEAD";
        if (!is_redirect(head) || !may_follow) {
            throw refusal_of(head, refusal, sent.url, home);
        }
        if (redirects == max_redirects) {
            throw Error(ErrorKind::invalid_argument, "{} redirects more than {} times",
                        request.url.text, max_redirects);
        }
        request.url = redirect_target(sent.url, head);
    }
}

Answer Session::attempt(const Call& call, const BodySink& sink) {
    const Url home = base();
    HttpRequest request{.method = call.method,
                        .url = has_scheme(call.target) ? Url::parse(call.target)
                                                       : home.resolve("/v2/" + call.target),
                        .headers = call.headers,
                        .body = call.body,
                        .file = call.file,
                        .on_sent = call.on_sent};
    const auto authenticate = [&] {
        std::vector<Challenge> challenges;
        {
            const std::scoped_lock lock(mutex_);
            challenges = challenges_;
        }
        authorizer_.answer(home, challenges, call.scope, cancelled_);
    };
    // What the first contact asked for is answered at once.
    const bool is_asked = [&] {
        const std::scoped_lock lock(mutex_);
        return std::ranges::any_of(challenges_, [&](const Challenge& challenge) {
            return challenge.scheme == "bearer" ||
                   (challenge.scheme == "basic" && has_credentials_);
        });
    }();
    bool answered = false;
    if (is_asked && !authorizer_.header(call.scope)) {
        authenticate();
        answered = true;
    }
    try {
        return follow(request, call, sink);
    } catch (const RegistryError& e) {
        if (!e.is_challenge || answered) throw;
    }
    authenticate();
    return follow(std::move(request), call, sink);
}

Answer Session::call(const Call& call, const BodySink& sink, const std::function<void()>& restart) {
    Backoff backoff(settings_, cancelled_);
    for (;;) {
        try {
            return attempt(call, sink);
        } catch (const RegistryError& e) {
            if (!call.retry || !e.passing() || !backoff.wait(e.retry_after)) throw;
        } catch (const TransportError& e) {
            const bool may_pass = e.what_failed() == TransportError::Kind::cut;
            if (!call.retry || !may_pass || !backoff.wait()) throw;
        }
        if (restart) restart();
    }
}

Session::Text Session::text(const Call& call, std::size_t limit) {
    std::string body;
    const auto sink = bounded(body, limit, "the answer to " + call.method + " " + call.target);
    Answer answer = this->call(call, sink, [&] { body.clear(); });
    return {std::move(answer), std::move(body)};
}

std::string Session::login() {
    authorizer_.want_identity_token();
    text({.target = "", .scope = ""}, max_login_answer);
    return authorizer_.identity_token();
}

}  // namespace brig::registry
