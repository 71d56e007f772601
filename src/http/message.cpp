// Reading requests: targets, parameters, flags.
#include "http/message.h"

#include <optional>

#include "base/error.h"
#include "base/strings.h"

namespace brig::http {
namespace {

std::optional<int> hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

char unescape(std::string_view text, std::size_t at) {
    const auto high = at + 1 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
    const auto low = at + 2 < text.size() ? hex_digit(text[at + 2]) : std::nullopt;
    if (!high || !low) {
        throw Error(ErrorKind::invalid_argument, "invalid URL escape \"{}\"", text.substr(at, 3));
    }
    return static_cast<char>(*high * 16 + *low);
}

std::string decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            out += unescape(text, i);
            i += 2;
        } else if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else {
            out += text[i];
        }
    }
    return out;
}

bool contains_word(std::string_view list, std::string_view word) {
    for (const auto& part : split(list, ',')) {
        if (to_lower(trim(part)) == word) return true;
    }
    return false;
}

std::pair<int, int> numbers(std::string_view version) {
    const auto [major, minor] = split_once(version, '.');
    return {parse_int<int>(major).value_or(0), parse_int<int>(minor.value_or("")).value_or(0)};
}

}  // namespace

std::size_t BodyStream::read(std::span<std::byte> buffer) {
    const auto count = read_some(fd_.get(), buffer);
    if (count == 0 && completed_ && !*completed_)
        throw Error(ErrorKind::cancelled, "the client broke off while it sent the request's body");
    return count;
}

std::string Request::param(std::string_view name) const {
    const auto found = query.find(std::string(name));
    return found == query.end() ? std::string() : found->second;
}

bool Request::has_param(std::string_view name) const { return query.contains(std::string(name)); }

bool Request::flag(std::string_view name, bool absent) const {
    if (!has_param(name)) return absent;
    const auto value = to_lower(trim(param(name)));
    return !(value.empty() || value == "0" || value == "no" || value == "false" || value == "none");
}

std::string Request::header(std::string_view lower_case_name) const {
    const auto found = headers.find(std::string(lower_case_name));
    return found == headers.end() ? std::string() : found->second;
}

const std::string& Request::parameter(std::string_view name) const {
    return parameters.at(std::string(name));
}

bool Request::wants_upgrade() const {
    return contains_word(header("connection"), "upgrade") || !header("upgrade").empty();
}

bool Request::at_least(std::string_view wanted) const {
    return numbers(version) >= numbers(wanted);
}

int http_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::not_found: return 404;
        case ErrorKind::already_exists: return 409;
        case ErrorKind::conflict: return 409;
        case ErrorKind::invalid_argument: return 400;
        case ErrorKind::failed_precondition: return 409;
        case ErrorKind::permission_denied: return 403;
        case ErrorKind::unavailable: return 503;
        case ErrorKind::not_implemented: return 501;
        case ErrorKind::cancelled: return 499;  // nobody is left to read it
        case ErrorKind::internal: return 500;
    }
    return 500;
}

void parse_target(std::string_view target, Request& request) {
    const auto question = target.find('?');
    request.path = decode(target.substr(0, question), false);
    for (const unsigned char c : request.path) {
        if (c < 0x20 || c == 0x7f) {
            throw Error(ErrorKind::invalid_argument, "control character in the request's path");
        }
    }
    if (question == std::string_view::npos) return;
    for (const auto& pair : split(target.substr(question + 1), '&')) {
        if (pair.empty()) continue;
        const auto [name, value] = split_once(pair, '=');
        request.query.emplace(decode(name, true), decode(value.value_or(""), true));
    }
}

}  // namespace brig::http
