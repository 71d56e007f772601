// Images by name: list, inspect, history, tag, remove.
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/image_filters.h"
#include "api/image_json.h"
#include "api/reply.h"
#include "image/layer_use.h"
#include "image/store.h"

namespace brig::api {
namespace {

using nlohmann::json;

Reply list(Context& context, Request& request) {
    auto& store = context.engine.images();
    const auto filters = engine::parse_filters(request.param("filters"));
    std::optional<image::LayerUse> layers;
    if (request.flag("shared-size")) layers.emplace(store);
    json out = json::array();
    for (const auto& image : filter_images(store.list(request.flag("all")), store, filters)) {
        out.push_back(image_summary(image, request));
        if (layers) out.back()["SharedSize"] = layers->shared(image);
    }
    return json_reply(out);
}

Reply inspect(Context& context, Request& request) {
    const auto image = context.engine.images().resolve(request.parameter("name"));
    return json_reply(image_details(image, context.storage_driver, request));
}

Reply history(Context& context, Request& request) {
    auto& store = context.engine.images();
    json out = json::array();
    for (const auto& item : store.history(store.resolve(request.parameter("name")))) {
        out.push_back(history_item(item));
    }
    return json_reply(out);
}

Reply tag(Context& context, Request& request) {
    auto target = request.param("repo");
    if (const auto name = request.param("tag"); !name.empty()) target += ":" + name;
    auto& store = context.engine.images();
    const auto source = store.resolve(request.parameter("name"));
    store.tag(request.parameter("name"), target);
    context.engine.events().publish({"image", "tag", source.id.str(), {{"name", target}}, now()});
    return {201, {}, {}};
}

Reply remove(Context& context, Request& request) {
    return json_reply(context.engine.image_remove(request.parameter("name"), request.flag("force"),
                                                  request.flag("noprune")));
}

Reply prune(Context& context, Request& request) {
    return json_reply(context.engine.image_prune(engine::parse_filters(request.param("filters"))));
}

}  // namespace

void add_image_routes(Routes& routes) {
    routes.add("GET", "/images/json", list);
    routes.add("POST", "/images/prune", prune);
    routes.add("GET", "/images/{name*}/json", inspect);
    routes.add("GET", "/images/{name*}/history", history);
    routes.add("POST", "/images/{name*}/tag", tag);
    routes.add("DELETE", "/images/{name*}", remove);
}

}  // namespace brig::api
