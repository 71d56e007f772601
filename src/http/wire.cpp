// Replies are few and simple enough to be written as text: that costs less code than a serializer
// per type of body.
#include "http/wire.h"

#include <fmt/format.h>

#include <boost/beast/http/status.hpp>

namespace brig::http {
namespace {

/// A header's value must not be able to end the line it stands in.
std::string one_line(std::string_view value) {
    std::string out(value);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    }
    return out;
}

std::string header_lines(const Reply& reply) {
    std::string out;
    for (const auto& [name, value] : reply.headers) {
        out += fmt::format("{}: {}\r\n", name, one_line(value));
    }
    return out;
}

std::string_view reason_of(int status) {
    namespace beast = boost::beast::http;
    return beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(status)));
}

}  // namespace

Reply plain_error(const Rejected& rejected) {
    std::string quoted;  // our own texts: no character of them needs escaping in JSON
    for (const char c : rejected.reason) quoted += c == '"' || c == '\\' ? '\'' : c;
    return {rejected.status,
            {{"Content-Type", "application/json"}},
            "{\"message\":\"" + quoted + "\"}\n"};
}

std::string head_text(const Reply& reply, std::string_view framing) {
    return fmt::format("HTTP/1.1 {} {}\r\n{}{}\r\n", reply.status, reason_of(reply.status),
                       header_lines(reply), framing);
}

std::string hijack_head(const Reply& reply, const Upgrade& hijack, bool upgrade) {
    // Docker's own wording: some clients compare the whole status line.
    const std::string_view start =
        upgrade ? "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp"
                : "HTTP/1.1 200 OK";
    return fmt::format("{}\r\nContent-Type: {}\r\n{}\r\n", start, one_line(hijack.content_type),
                       header_lines(reply));
}

bool bodiless(const Reply& reply) {
    return reply.status == 204 || reply.status == 304 || reply.status / 100 == 1;
}

}  // namespace brig::http
