// JSON in and out of requests.
#include "api/reply.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/strings.h"

namespace brig::api {

Reply json_reply(const nlohmann::json& value, int status) {
    // Names and labels come from clients and images: bytes that are no UTF-8 must not fail a list.
    auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return {status, {{"Content-Type", "application/json"}}, std::move(text) + "\n"};
}

Reply text_reply(std::string text, int status) {
    return {status, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
}

Reply no_content() { return {204, {}, {}}; }
Reply not_modified() { return {304, {}, {}}; }

Reply error_reply(int status, std::string_view message) {
    return json_reply({{"message", message}}, status);
}

Reply error_reply(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error_reply(http_status(error.kind()), error.message());
    } catch (const std::exception& error) {
        log::error("unexpected failure in a request: {}", error.what());
        return error_reply(500, error.what());
    } catch (...) {
        return error_reply(500, "unknown failure");
    }
}

void not_implemented(std::string_view what) {
    throw Error(ErrorKind::not_implemented, "{} is not implemented", what);
}

nlohmann::json json_body(const Request& request) {
    if (trim(request.body).empty()) return nlohmann::json::object();
    auto body = nlohmann::json::parse(request.body, nullptr, false);
    if (body.is_discarded())
        throw Error(ErrorKind::invalid_argument, "request body is not valid JSON");
    if (body.is_null()) return nlohmann::json::object();
    if (!body.is_object())
        throw Error(ErrorKind::invalid_argument, "request body is not a JSON object");
    return body;
}

int int_param(const Request& request, std::string_view name, int absent) {
    const auto text = request.param(name);
    if (text.empty()) return absent;
    if (const auto value = parse_int<int>(text)) return *value;
    throw Error(ErrorKind::invalid_argument, "parameter {}: \"{}\" is not a number", name, text);
}

std::optional<Instant> time_param(const Request& request, std::string_view name) {
    const auto text = request.param(name);
    if (text.empty() || text == "0") return std::nullopt;
    if (auto instant = parse_timestamp(text)) return instant;
    throw Error(ErrorKind::invalid_argument, "parameter {}: \"{}\" is not a time", name, text);
}

unsigned size_param(const Request& request, std::string_view name) {
    const int value = int_param(request, name, -1);
    if (value < 0 || value > 65535) {
        throw Error(ErrorKind::invalid_argument, "parameter {} must be a number of rows or columns",
                    name);
    }
    return static_cast<unsigned>(value);
}

std::vector<std::string> params(const Request& request, std::string_view name) {
    std::vector<std::string> out;
    const auto [begin, end] = request.query.equal_range(std::string(name));
    for (auto at = begin; at != end; ++at) out.push_back(at->second);
    return out;
}

}  // namespace brig::api
