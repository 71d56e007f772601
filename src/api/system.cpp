// The engine as a whole.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/images_registry.h"
#include "api/reply.h"

namespace brig::api {
namespace {

/// Clients learn our API version from this reply's headers. "1" is the classic builder.
Reply ping(Context&, Request& request) {
    auto reply = text_reply(request.method == "HEAD" ? "" : "OK");
    reply.headers.emplace_back("Builder-Version", "1");
    reply.headers.emplace_back("Swarm", "inactive");
    reply.headers.emplace_back("Cache-Control", "no-cache, no-store, must-revalidate");
    reply.headers.emplace_back("Pragma", "no-cache");
    return reply;
}

Reply version(Context& context, Request&) { return json_reply(context.engine.version()); }
Reply info(Context& context, Request&) {
    auto out = context.engine.info();
    add_registry_info(out, context.registries);
    return json_reply(out);
}

Reply disk_usage(Context& context, Request& request) {
    std::set<std::string> types;
    const auto [begin, end] = request.query.equal_range("type");
    for (auto type = begin; type != end; ++type) types.insert(type->second);
    return json_reply(context.engine.disk_usage(types));
}

Reply events(Context& context, Request& request) {
    engine::EventQuery query;
    query.since = time_param(request, "since");
    query.until = time_param(request, "until");
    query.filters = engine::parse_filters(request.param("filters"));
    return context.streams.reply("application/json", context.engine.event_stream(query));
}

}  // namespace

void add_system_routes(Routes& routes) {
    routes.add("GET", "/_ping", ping);
    routes.add("HEAD", "/_ping", ping);
    routes.add("GET", "/version", version);
    routes.add("GET", "/info", info);
    routes.add("GET", "/events", events);
    routes.add("GET", "/system/df", disk_usage);
}

}  // namespace brig::api
