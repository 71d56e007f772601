// The far end of every socket pair is with the server.
#include "api/streams.h"

#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"

namespace brig::api {
namespace {

void produce(const Fd& sink, const Producer& producer) {
    try {
        producer(sink.get());
    } catch (...) {
        // The unread byte stays: closing now resets the server's end instead of ending it.
        log::debug("a reply broke off: {}", describe(std::current_exception()));
        return;
    }
    char byte = 0;
    (void)::recv(sink.get(), &byte, 1, MSG_DONTWAIT);
}

}  // namespace

Reply Streams::reply(std::string content_type, Producer producer) {
    auto pair = make_socket_pair();
    // See Connection::serve_streamed: this tells a broken stream from a finished one.
    write_all(pair.first.get(), std::string_view("!"));
    auto sink = std::make_shared<Fd>(std::move(pair.second));
    threads_.submit([sink, producer = std::move(producer)] {
        produce(*sink, producer);
        sink->reset();
    });
    return {200, {{"Content-Type", std::move(content_type)}}, std::move(pair.first)};
}

void JsonLines::write(const nlohmann::json& message) {
    write_all(sink_,
              message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\r\n");
}

void JsonLines::stream(std::string_view text) { write({{"stream", text}}); }
void JsonLines::status(std::string_view text) { write({{"status", text}}); }

void JsonLines::error(std::string_view message) {
    write({{"errorDetail", {{"message", message}}}, {"error", message}});
}

bool JsonLines::gone() const {
    pollfd poll_for{sink_, 0, 0};
    return ::poll(&poll_for, 1, 0) == 1 && (poll_for.revents & (POLLHUP | POLLERR)) != 0;
}

Producer json_lines(std::function<void(JsonLines&)> work) {
    return [work = std::move(work)](int sink) {
        JsonLines lines(sink);
        try {
            work(lines);
        } catch (...) {
            if (!lines.gone()) lines.error(describe(std::current_exception()));
        }
    };
}

}  // namespace brig::api
