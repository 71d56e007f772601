// Looking at containers.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/reply.h"

namespace brig::api {
namespace {

Reply list(Context& context, Request& request) {
    engine::ListQuery query;
    query.all = request.flag("all");
    query.limit = int_param(request, "limit", 0);
    query.size = request.flag("size");
    query.filters = engine::parse_filters(request.param("filters"));
    return json_reply(context.engine.list(query));
}

Reply inspect(Context& context, Request& request) {
    return json_reply(context.engine.inspect(request.parameter("id"), request.flag("size")));
}

Reply top(Context& context, Request& request) {
    const auto arguments = request.param("ps_args");
    return json_reply(
        context.engine.top(request.parameter("id"), arguments.empty() ? "-ef" : arguments));
}

Reply changes(Context& context, Request& request) {
    return json_reply(context.engine.changes(request.parameter("id")));
}

Reply stats(Context& context, Request& request) {
    const bool stream = request.flag("stream", true);
    return context.streams.reply(
        "application/json",
        context.engine.stats(request.parameter("id"), stream, request.flag("one-shot")));
}

}  // namespace

void add_container_query_routes(Routes& routes) {
    routes.add("GET", "/containers/json", list);
    routes.add("GET", "/containers/{id}/json", inspect);
    routes.add("GET", "/containers/{id}/top", top);
    routes.add("GET", "/containers/{id}/changes", changes);
    routes.add("GET", "/containers/{id}/stats", stats);
}

}  // namespace brig::api
