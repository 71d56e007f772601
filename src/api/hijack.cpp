// The names of the two stream forms, and a stream of one message.
#include "api/hijack.h"

#include "base/error.h"

namespace brig::api {
namespace {

/// Docker's multiplexed form: stream number, three zero bytes, the length in big-endian.
std::string framed(unsigned char stream, std::string_view text) {
    std::string out{static_cast<char>(stream), 0, 0, 0};
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(text.size() >> shift);
    return out.append(text);
}

}  // namespace

std::string_view stream_type(const Request& request, bool tty) {
    return !tty && request.at_least("1.42") ? "application/vnd.docker.multiplexed-stream"
                                            : "application/vnd.docker.raw-stream";
}

Reply hijacked(const Request& request, Fd stream, bool tty) {
    Reply reply;
    reply.status = request.wants_upgrade() ? 101 : 200;
    reply.body = Upgrade{std::move(stream), std::string(stream_type(request, tty))};
    return reply;
}

Reply hijacked_later(const Request& request, std::function<Fd()> open, bool tty) {
    auto reply = hijacked(request, Fd(), tty);
    std::get<Upgrade>(reply.body).open = [open = std::move(open), tty]() -> Fd {
        try {
            return open();
        } catch (...) {
            return message_stream(describe(std::current_exception()), tty);
        }
    };
    return reply;
}

Fd message_stream(std::string_view message, bool tty) {
    auto pair = make_socket_pair();
    const auto line = std::string(message) + "\r\n";
    write_all(pair.second.get(), tty ? line : framed(2, line));
    return std::move(pair.first);
}

}  // namespace brig::api
