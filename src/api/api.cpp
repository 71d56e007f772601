// Puts the endpoints together.
#include "api/api.h"

#include "api/context.h"
#include "api/dispatch.h"
#include "base/file.h"

namespace brig::api {

struct Api::State {
    explicit State(const Parts& parts)
        : context{parts.engine,
                  parts.builder,
                  parts.temporary,
                  parts.storage_driver,
                  parts.registries,
                  {},
                  {}} {}
    Router router;
    Context context;
};

Api::Api(const Parts& parts) : state_(std::make_unique<State>(parts)) {
    // Build contexts of a predecessor that was killed.
    remove_tree(parts.temporary);
    make_directories(parts.temporary);
    Routes routes(state_->router, state_->context);
    add_container_query_routes(routes);
    add_container_life_routes(routes);
    add_container_stream_routes(routes);
    add_exec_routes(routes);
    add_archive_routes(routes);
    add_image_routes(routes);
    add_image_transfer_routes(routes);
    add_image_registry_routes(routes);
    add_build_routes(routes);
    add_volume_routes(routes);
    add_network_routes(routes);
    add_system_routes(routes);
    add_missing_routes(state_->router);
}

Api::~Api() = default;

BodyMode Api::body_mode(const Request& head) const { return api::body_mode(state_->router, head); }
Reply Api::handle(Request request) { return dispatch(state_->router, std::move(request)); }

}  // namespace brig::api
