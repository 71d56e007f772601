// The far end of every socket pair is with the server.
#include "http/streams.h"

#include <sys/socket.h>

#include <memory>

#include "base/error.h"
#include "base/log.h"

namespace brig::http {
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

}  // namespace brig::http
