// What images_transfer.cpp and images_registry.cpp route to files beside them.
#pragma once

#include "api/context.h"

namespace brig::api {

Reply convert_image(Context& context, Request& request);
Reply pull_image(Context& context, const Request& request);
/// What registries hold; part of add_image_registry_routes.
void add_registry_look_routes(Routes& routes);

}  // namespace brig::api
