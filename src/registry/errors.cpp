// See errors.h.
#include "registry/errors.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace brig::registry {
namespace {

constexpr std::size_t max_error_body = 64U << 10U;
constexpr std::size_t max_message = 1000;

ErrorKind kind_of(int status) {
    switch (status) {
        case 401:
        case 403: return ErrorKind::permission_denied;
        case 404: return ErrorKind::not_found;
        case 400:
        case 405:
        case 413:
        case 415:
        case 416: return ErrorKind::invalid_argument;
        case 429: return ErrorKind::unavailable;
        default: return status >= 500 ? ErrorKind::unavailable : ErrorKind::internal;
    }
}

/// Text of a stranger's on its way to a terminal.
std::string printable(std::string_view text) {
    std::string out(text.substr(0, max_message));
    std::ranges::replace_if(
        out, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    return out;
}

std::string text_field(const nlohmann::json& object, const char* name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? printable(found->get<std::string>())
                                                       : std::string();
}

/// "MANIFEST_UNKNOWN" → "manifest unknown".
std::string words_of(std::string code) {
    std::ranges::replace(code, '_', ' ');
    return to_lower(code);
}

/// Seconds, or a date (RFC 9110 section 10.2.3).
std::optional<std::chrono::seconds> parse_retry_after(const std::string& text) {
    if (const auto seconds = parse_int<int>(text))
        return *seconds >= 0 ? std::optional(std::chrono::seconds(*seconds)) : std::nullopt;
    std::tm date{};
    const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == nullptr || *end != '\0') return std::nullopt;
    const auto left = ::timegm(&date) - std::time(nullptr);
    return std::chrono::seconds(std::max<std::int64_t>(left, 0));
}

}  // namespace

RegistryError registry_error(const HttpHead& head, std::string_view body, const Url& url) {
    std::string code, message;
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_object()) {
        const auto errors = json.find("errors");
        if (errors != json.end() && errors->is_array() && !errors->empty()) {
            code = text_field(errors->front(), "code");
            message = text_field(errors->front(), "message");
        } else {
            message = text_field(json, "details");
            if (message.empty()) message = text_field(json, "message");
        }
    }
    std::string text;
    if (!code.empty()) {
        text = words_of(code) + ": " + (message.empty() ? "unknown" : message);
    } else if (!message.empty()) {
        text = message;
    } else {
        text = fmt::format("{} answered with status {}", url.text, head.status);
    }
    RegistryError out(kind_of(head.status), head.status, std::move(code), std::move(text));
    out.retry_after = parse_retry_after(head.header("retry-after"));
    return out;
}

BodySink bounded(std::string& out, std::size_t limit, std::string what) {
    return [&out, limit, what = std::move(what)](const HttpHead& head,
                                                 std::span<const std::byte> data) {
        // Of a refusal the beginning is enough.
        const std::size_t most = head.status < 300 ? limit : max_error_body;
        if (out.size() + data.size() > most) {
            if (head.status >= 300) {
                throw Error(ErrorKind::internal,
                            "answered with status {} and more than {} bytes of explanation",
                            head.status, most);
            }
            throw Error(ErrorKind::invalid_argument, "{} is larger than the {} bytes allowed", what,
                        limit);
        }
        out.append(reinterpret_cast<const char*>(data.data()), data.size());
    };
}

BodySink error_body(std::string& out) { return bounded(out, max_error_body, "an answer"); }

}  // namespace brig::registry
