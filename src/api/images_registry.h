// What images_transfer.cpp, images_registry.cpp and system.cpp leave to files beside them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/context.h"

namespace brig::api {

Reply convert_image(Context& context, Request& request);
/// Adds what GET /info says of registries.
void add_registry_info(nlohmann::json& info, const registry::Settings& settings);
Reply pull_image(Context& context, const Request& request);
/// What registries hold; part of add_image_registry_routes.
void add_registry_look_routes(Routes& routes);

}  // namespace brig::api
