// Kept apart from the endpoints so that it can be tested without an engine.
#include "api/dispatch.h"

#include "api/reply.h"
#include "api/version.h"
#include "base/log.h"
#include "base/version.h"
#include "oci/platform.h"

namespace brig::api {
namespace {

Reply answer(const Router& router, Request& request) {
    negotiate_version(request);
    auto match = router.find(request.method, request.path);
    if (!match) return error_reply(404, "page not found");
    if (!match->route->handler) {
        not_implemented(fmt::format("{} {}", request.method, request.path));
    }
    request.parameters = std::move(match->parameters);
    return match->route->handler(request);
}

}  // namespace

BodyMode body_mode(const Router& router, const Request& head) {
    Request copy;
    copy.path = head.path;
    try {
        negotiate_version(copy);
    } catch (const Error&) {
        return BodyMode::buffered;
    }
    const auto match = router.find(head.method, copy.path);
    return match ? match->route->body : BodyMode::buffered;
}

Reply dispatch(const Router& router, Request request) {
    static const auto os = oci::Platform::host().os;
    const auto target = request.method + " " + request.path;
    Reply reply;
    try {
        reply = answer(router, request);
    } catch (...) {
        reply = error_reply(std::current_exception());
    }
    log::debug("{} → {}", target, reply.status);
    reply.headers.emplace_back("Api-Version", api_version);
    reply.headers.emplace_back("Docker-Experimental", "false");
    reply.headers.emplace_back("Ostype", os);
    reply.headers.emplace_back("Server", fmt::format("Brig/{} ({})", version, os));
    return reply;
}

}  // namespace brig::api
