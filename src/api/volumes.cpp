// Named volumes.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/reply.h"

namespace brig::api {
namespace {

Reply create(Context& context, Request& request) {
    return json_reply(context.engine.volume_create(json_body(request)), 201);
}

Reply list(Context& context, Request& request) {
    return json_reply(context.engine.volume_list(engine::parse_filters(request.param("filters"))));
}

Reply inspect(Context& context, Request& request) {
    return json_reply(context.engine.volume_inspect(request.parameter("name")));
}

Reply remove(Context& context, Request& request) {
    context.engine.volume_remove(request.parameter("name"), request.flag("force"));
    return no_content();
}

Reply prune(Context& context, Request& request) {
    return json_reply(context.engine.volume_prune(engine::parse_filters(request.param("filters"))));
}

}  // namespace

void add_volume_routes(Routes& routes) {
    routes.add("GET", "/volumes", list);
    routes.add("POST", "/volumes/create", create);
    routes.add("POST", "/volumes/prune", prune);
    routes.add("GET", "/volumes/{name}", inspect);
    routes.add("DELETE", "/volumes/{name}", remove);
}

}  // namespace brig::api
