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

/// Whether the command could not be run, as against there being no such exec or container.
bool is_command_failure(const Error& error) {
    return error.kind() == ErrorKind::permission_denied ||
           (error.kind() == ErrorKind::not_found && !error.message().starts_with("No such"));
}

Reply start(Context& context, Request& request) {
    const auto options = start_options(request);
    try {
        auto attached = context.engine.exec_start(request.parameter("id"), options);
        if (options.detach) return {200, {}, {}};
        return hijacked(request, std::move(attached.stream), attached.tty);
    } catch (const Error& error) {
        if (!is_command_failure(error)) throw;
        // Clients that attach look at what the stream says and then at the exit code.
        if (options.detach) return error_reply(400, error.message());
        return hijacked_message(request, error.message(), options.tty);
    }
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
