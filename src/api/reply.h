// Replies in Docker's form, and parameters of requests.
#pragma once

#include <exception>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/http.h"
#include "base/error.h"
#include "base/time.h"

namespace brig::api {

using http::http_status;

Reply json_reply(const nlohmann::json& value, int status = 200);
Reply text_reply(std::string text, int status = 200);
Reply no_content();
Reply not_modified();
/// {"message": …}
Reply error_reply(int status, std::string_view message);
/// For anything that was thrown; what is not an Error of ours is the server's fault (500).
Reply error_reply(const std::exception_ptr& failure);

/// Throws Error{not_implemented} "WHAT is not implemented".
[[noreturn]] void not_implemented(std::string_view what);

/// The body as a JSON object; empty is {}. Throws Error{invalid_argument} with one line.
nlohmann::json json_body(const Request& request);
/// A numeric parameter, `absent` where it is missing or empty. Throws invalid_argument naming it.
int int_param(const Request& request, std::string_view name, int absent);
/// RFC 3339 or unix seconds; nothing where missing, empty or "0". Throws invalid_argument.
std::optional<Instant> time_param(const Request& request, std::string_view name);
/// A terminal's width or height. Throws invalid_argument.
unsigned size_param(const Request& request, std::string_view name);
/// All values of a parameter that may be repeated.
std::vector<std::string> params(const Request& request, std::string_view name);

}  // namespace brig::api
