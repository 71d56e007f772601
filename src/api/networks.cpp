// Networks: the predefined ones can be looked at; making more is yet to come.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/reply.h"

namespace brig::api {
namespace {

Reply list(Context& context, Request& request) {
    return json_reply(context.engine.network_list(engine::parse_filters(request.param("filters"))));
}

Reply inspect(Context& context, Request& request) {
    return json_reply(context.engine.network_inspect(request.parameter("id")));
}

/// There are none but the predefined ones, which stay.
Reply prune(Context&, Request& request) {
    static_cast<void>(engine::parse_filters(request.param("filters")));
    return json_reply({{"NetworksDeleted", nullptr}});
}

}  // namespace

void add_network_routes(Routes& routes) {
    routes.add("GET", "/networks", list);
    routes.add("POST", "/networks/prune", prune);
    routes.add("GET", "/networks/{id}", inspect);
}

}  // namespace brig::api
