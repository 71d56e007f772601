// What the endpoints share, and the list of their files: one per resource.
#pragma once

#include <filesystem>

#include "api/http.h"
#include "api/streams.h"
#include "api/waiters.h"
#include "build/builder.h"
#include "engine/engine.h"
#include "registry/settings.h"

namespace brig::api {

struct Context {
    engine::Engine& engine;
    build::Builder& builder;
    std::filesystem::path temporary;
    std::string storage_driver;
    registry::Settings registries;
    Streams streams;
    Waiters waiters;
};

/// Adds routes whose handlers are functions of the context and the request.
class Routes {
public:
    Routes(Router& router, Context& context) : router_(router), context_(context) {}

    void add(std::string_view method, std::string_view pattern,
             Reply (*handler)(Context&, Request&), BodyMode body = BodyMode::buffered) {
        auto& context = context_;
        router_.add(
            method, pattern, [&context, handler](Request& r) { return handler(context, r); }, body);
    }

private:
    Router& router_;
    Context& context_;
};

void add_container_query_routes(Routes& routes);
void add_container_life_routes(Routes& routes);
void add_container_stream_routes(Routes& routes);
void add_exec_routes(Routes& routes);
void add_archive_routes(Routes& routes);
void add_image_routes(Routes& routes);
void add_image_transfer_routes(Routes& routes);
void add_image_registry_routes(Routes& routes);
void add_build_routes(Routes& routes);
void add_volume_routes(Routes& routes);
void add_network_routes(Routes& routes);
void add_system_routes(Routes& routes);
/// Endpoints of Docker's that are not there yet; to be added after all others.
void add_missing_routes(Router& router);

}  // namespace brig::api
