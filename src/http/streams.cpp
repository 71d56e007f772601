// The far end of every socket pair is with the server.
#include "http/streams.h"

#include <memory>

#include "base/error.h"
#include "base/log.h"

namespace brig::http {
namespace {

void produce(const Fd& sink, const Producer& producer, const Completed& completed) {
    try {
        producer(sink.get());
        *completed = true;
    } catch (...) {
        log::debug("a reply broke off: {}", describe(std::current_exception()));
    }
}

}  // namespace

Reply Streams::reply(std::string content_type, Producer producer) {
    auto pair = make_socket_pair();
    auto sink = std::make_shared<Fd>(std::move(pair.second));
    auto completed = std::make_shared<std::atomic<bool>>(false);
    threads_.submit([sink, completed, producer = std::move(producer)] {
        produce(*sink, producer, completed);
        sink->reset();
    });
    return {200, {{"Content-Type", std::move(content_type)}}, std::move(pair.first), completed};
}

}  // namespace brig::http
