// The error body of the distribution specification, section "Error Codes".
#include "registry/server/refusal.h"

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace brig::registry::server {
namespace {

http::Reply error_reply(int status, std::string_view code, std::string_view message) {
    const nlohmann::json body{{"errors", {{{"code", code}, {"message", message}}}}};
    auto text = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return {status, {{"Content-Type", "application/json"}}, std::move(text) + "\n"};
}

}  // namespace

http::Reply Refusal::reply() const {
    auto out = error_reply(status_, code_, message());
    out.headers.insert(out.headers.end(), headers_.begin(), headers_.end());
    return out;
}

http::Reply refusal_reply(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Refusal& refusal) {
        return refusal.reply();
    } catch (const Error& error) {
        log::error("a request failed: {}", error.message());
        // A full disk passes; the client may come again.
        const int status = error.kind() == ErrorKind::unavailable ? 503 : 500;
        return error_reply(status, "UNKNOWN", error.message());
    } catch (const std::exception& error) {
        log::error("a request failed: {}", error.what());
        return error_reply(500, "UNKNOWN", "internal error");
    }
}

}  // namespace brig::registry::server
