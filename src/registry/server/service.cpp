// See service.h.
#include "registry/server/service.h"

#include <algorithm>

#include "base/base64.h"
#include "base/log.h"
#include "base/strings.h"
#include "registry/server/refusal.h"

namespace brig::registry::server {
namespace {

bool covers(const std::string& rule, const std::string& name) {
    if (rule.ends_with("/*")) return name.starts_with(rule.substr(0, rule.size() - 1));
    return rule == name;
}

bool changes(const http::Request& request) {
    return request.method != "GET" && request.method != "HEAD";
}

/// "/v2/" alone, with which clients ask for the protocol.
http::Reply base(Context&, http::Request&) {
    return {200, {{"Content-Type", "application/json"}}, std::string("{}")};
}

}  // namespace

bool Context::visible(const std::string& name) const {
    return access.repositories.empty() ||
           std::ranges::any_of(access.repositories,
                               [&](const std::string& rule) { return covers(rule, name); });
}

Repo Context::repo(const std::string& name) const {
    Repo out = tree.repo(name);
    if (!visible(name)) {
        throw Refusal(403, "DENIED",
                      fmt::format("access to {} is denied: only {} may be used", name,
                                  join(access.repositories, ", ")));
    }
    return out;
}

void Routes::add(std::string_view method, std::string_view pattern,
                 http::Reply (*handler)(Context&, http::Request&), http::BodyMode body) {
    auto& context = context_;
    router_.add(
        method, pattern, [&context, handler](http::Request& r) { return handler(context, r); },
        body);
}

Registry::Registry(Tree& tree, AccessRules access)
    : access_(std::move(access)), uploads_(tree), context_{tree, uploads_, access_} {
    Routes routes(router_, context_);
    routes.add("GET", "/v2", base);
    routes.add("HEAD", "/v2", base);
    add_blob_routes(routes);
    add_upload_routes(routes);
    add_manifest_routes(routes);
    add_list_routes(routes);
    if (!access_.htpasswd.empty()) passwords_ = std::make_unique<Htpasswd>(access_.htpasswd);
}

http::BodyMode Registry::body_mode(const http::Request& head) const {
    const auto match = router_.find(head.method, head.path);
    return match ? match->route->body : http::BodyMode::buffered;
}

http::Reply Registry::answer(http::Request& request) {
    if (passwords_ && !passwords_->admits(request.header("authorization"))) {
        throw Refusal(401, "UNAUTHORIZED", "authentication required")
            .with("WWW-Authenticate", "Basic realm=\"brig registry\"");
    }
    auto match = router_.find(request.method, request.path);
    if (!match) throw Refusal(404, "UNSUPPORTED", "there is no such endpoint");
    if (access_.read_only && changes(request))
        throw Refusal(403, "DENIED", "the registry is read-only here");
    request.parameters = std::move(match->parameters);
    return match->route->handler(request);
}

http::Reply Registry::handle(http::Request request) {
    const auto target = request.method + " " + request.path;
    http::Reply reply;
    try {
        reply = answer(request);
    } catch (...) {
        reply = refusal_reply(std::current_exception());
    }
    log::debug("{} → {}", target, reply.status);
    reply.headers.emplace_back("Docker-Distribution-Api-Version", "registry/2.0");
    return reply;
}

}  // namespace brig::registry::server
