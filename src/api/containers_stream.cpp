// A container's streams: attach, logs, and waiting for its end.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/hijack.h"
#include "api/reply.h"
#include "base/strings.h"

namespace brig::api {
namespace {

Reply attach(Context& context, Request& request) {
    engine::AttachQuery query;
    query.stream = request.flag("stream");
    query.logs = request.flag("logs");
    query.in = request.flag("stdin");
    query.out = request.flag("stdout");
    query.err = request.flag("stderr");
    query.detach_keys = request.param("detachKeys");
    auto attached = context.engine.attach(request.parameter("id"), query);
    return hijacked(request, std::move(attached.stream), attached.tty);
}

std::int64_t tail_param(const Request& request) {
    // Docker takes anything that is no number as "all".
    const auto lines = parse_int<std::int64_t>(request.param("tail"));
    return lines && *lines >= 0 ? *lines : -1;
}

Reply logs(Context& context, Request& request) {
    engine::LogQuery query;
    query.out = request.flag("stdout");
    query.err = request.flag("stderr");
    if (!query.out && !query.err) {
        throw Error(ErrorKind::invalid_argument,
                    "bad parameters: you must choose at least one stream");
    }
    query.follow = request.flag("follow");
    query.timestamps = request.flag("timestamps");
    query.since = time_param(request, "since");
    query.until = time_param(request, "until");
    query.tail = tail_param(request);
    auto stream = context.engine.logs(request.parameter("id"), query);
    return context.streams.reply(std::string(stream_type(request, stream.tty)),
                                 std::move(stream.run));
}

engine::WaitCondition condition_param(const Request& request) {
    const auto text = request.param("condition");
    if (text.empty() || text == "not-running") return engine::WaitCondition::not_running;
    if (text == "next-exit") return engine::WaitCondition::next_exit;
    if (text == "removed") return engine::WaitCondition::removed;
    throw Error(ErrorKind::invalid_argument, "invalid condition: \"{}\"", text);
}

std::string result_text(const engine::WaitResult& result) {
    nlohmann::json message{{"StatusCode", result.status}};
    if (!result.error.empty()) message["Error"] = {{"Message", result.error}};
    return message.dump() + "\n";
}

/// The head of the reply goes out at once: a client starts the container when it has seen it, so
/// that no exit is missed.
Reply wait(Context& context, Request& request) {
    const auto condition = condition_param(request);
    auto pair = make_socket_pair();
    const auto waiter = context.waiters.add(std::move(pair.second));
    context.engine.wait(
        request.parameter("id"), condition,
        [waiter](const engine::WaitResult& result) { waiter->finish(result_text(result)); });
    return {200, {{"Content-Type", "application/json"}}, std::move(pair.first)};
}

}  // namespace

void add_container_stream_routes(Routes& routes) {
    routes.add("POST", "/containers/{id}/attach", attach);
    routes.add("GET", "/containers/{id}/logs", logs);
    routes.add("POST", "/containers/{id}/wait", wait);
}

}  // namespace brig::api
