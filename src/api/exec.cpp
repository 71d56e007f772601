// Commands in running containers.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/hijack.h"
#include "api/reply.h"

namespace brig::api {
namespace {

Reply create(Context& context, Request& request) {
    const auto config = engine::parse_exec(request.body);
    return json_reply({{"Id", context.engine.exec_create(request.parameter("id"), config)}}, 201);
}

engine::ExecStart start_options(const Request& request) {
    const auto body = json_body(request);
    engine::ExecStart options;
    try {
        options.detach = body.value("Detach", false);
        options.tty = body.value("Tty", false);
        if (const auto size = body.find("ConsoleSize"); size != body.end() && size->is_array()) {
            options.console_size = size->get<std::vector<unsigned>>();
        }
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::invalid_argument, "a field of the request body has the wrong type");
    }
    return options;
}

/// Whether it has been started before: a mistake that is reported instead of a stream.
bool was_started(const nlohmann::json& exec) {
    return exec.at("Running") == true || !exec.at("ExitCode").is_null();
}

/// The client is told first and the command started then: so its first output cannot arrive
/// together with the reply's head, and the client gets ready while the command starts.
Reply start(Context& context, Request& request) {
    const auto options = start_options(request);
    const auto& id = request.parameter("id");
    if (options.detach || was_started(context.engine.exec_inspect(id))) {
        (void)context.engine.exec_start(id, options);
        return {200, {}, {}};
    }
    const auto open = [&context, id, options] {
        return std::move(context.engine.exec_start(id, options).stream);
    };
    return hijacked_later(request, open, options.tty);
}

Reply resize(Context& context, Request& request) {
    context.engine.exec_resize(request.parameter("id"), size_param(request, "w"),
                               size_param(request, "h"));
    return {200, {}, {}};
}

Reply inspect(Context& context, Request& request) {
    return json_reply(context.engine.exec_inspect(request.parameter("id")));
}

}  // namespace

void add_exec_routes(Routes& routes) {
    routes.add("POST", "/containers/{id}/exec", create);
    routes.add("POST", "/exec/{id}/start", start);
    routes.add("POST", "/exec/{id}/resize", resize);
    routes.add("GET", "/exec/{id}/json", inspect);
}

}  // namespace brig::api
