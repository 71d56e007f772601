// A container's life: create, start, stop, remove and what lies between.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/reply.h"

namespace brig::api {
namespace {

std::optional<std::string> signal_param(const Request& request) {
    auto signal = request.param("signal");
    return signal.empty() ? std::nullopt : std::optional(std::move(signal));
}

std::optional<int> timeout_param(const Request& request) {
    if (request.param("t").empty()) return std::nullopt;
    return int_param(request, "t", 0);
}

Reply create(Context& context, Request& request) {
    auto wanted = engine::parse_create(request.body);
    wanted.name = request.param("name");
    wanted.platform = request.param("platform");
    auto created = context.engine.create(wanted);
    return json_reply({{"Id", created.id}, {"Warnings", created.warnings}}, 201);
}

/// A command that cannot be run is the client's mistake, not a missing resource: its client reads
/// the message for the exit code (127 or 126).
bool is_command_failure(const Error& error) {
    const std::string_view text = error.message();
    return !text.starts_with("No such container") &&
           (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::permission_denied);
}

Reply start(Context& context, Request& request) {
    try {
        return context.engine.start(request.parameter("id")) ? no_content() : not_modified();
    } catch (const Error& error) {
        if (!is_command_failure(error)) throw;
        return error_reply(400, error.message());
    }
}

Reply stop(Context& context, Request& request) {
    const bool stopped =
        context.engine.stop(request.parameter("id"), signal_param(request), timeout_param(request));
    return stopped ? no_content() : not_modified();
}

Reply restart(Context& context, Request& request) {
    context.engine.restart(request.parameter("id"), signal_param(request), timeout_param(request));
    return no_content();
}

Reply kill(Context& context, Request& request) {
    context.engine.kill(request.parameter("id"), request.param("signal"));
    return no_content();
}

Reply pause(Context& context, Request& request) {
    context.engine.pause(request.parameter("id"));
    return no_content();
}

Reply unpause(Context& context, Request& request) {
    context.engine.unpause(request.parameter("id"));
    return no_content();
}

Reply rename(Context& context, Request& request) {
    context.engine.rename(request.parameter("id"), request.param("name"));
    return no_content();
}

Reply resize(Context& context, Request& request) {
    context.engine.resize(request.parameter("id"), size_param(request, "w"),
                          size_param(request, "h"));
    return {200, {}, {}};
}

Reply update(Context& context, Request& request) {
    return json_reply(context.engine.update(request.parameter("id"), json_body(request)));
}

Reply remove(Context& context, Request& request) {
    if (request.flag("link")) not_implemented("removing a link");
    context.engine.remove(request.parameter("id"), request.flag("force"), request.flag("v"));
    return no_content();
}

Reply prune(Context& context, Request& request) {
    return json_reply(context.engine.prune(engine::parse_filters(request.param("filters"))));
}

engine::CommitRequest commit_request(const Request& request) {
    engine::CommitRequest wanted;
    wanted.container = request.param("container");
    wanted.repo = request.param("repo");
    wanted.tag = request.param("tag");
    wanted.comment = request.param("comment");
    wanted.author = request.param("author");
    wanted.pause = request.flag("pause", true);
    wanted.changes = params(request, "changes");
    const auto body = json_body(request);
    if (!body.empty()) wanted.config = body.get<engine::Config>();
    return wanted;
}

Reply commit(Context& context, Request& request) {
    return json_reply({{"Id", context.engine.commit(commit_request(request))}}, 201);
}

}  // namespace

void add_container_life_routes(Routes& routes) {
    routes.add("POST", "/containers/create", create);
    routes.add("POST", "/containers/prune", prune);
    routes.add("POST", "/containers/{id}/start", start);
    routes.add("POST", "/containers/{id}/stop", stop);
    routes.add("POST", "/containers/{id}/restart", restart);
    routes.add("POST", "/containers/{id}/kill", kill);
    routes.add("POST", "/containers/{id}/pause", pause);
    routes.add("POST", "/containers/{id}/unpause", unpause);
    routes.add("POST", "/containers/{id}/rename", rename);
    routes.add("POST", "/containers/{id}/resize", resize);
    routes.add("POST", "/containers/{id}/update", update);
    routes.add("DELETE", "/containers/{id}", remove);
    routes.add("POST", "/commit", commit);
}

}  // namespace brig::api
