// POST /images/create?fromImage=, which shares its route with imports; and what registries.cpp
// adds.
#pragma once

#include "api/context.h"

namespace brig::api {

Reply pull_image(Context& context, const Request& request);
/// What registries hold; part of add_image_registry_routes.
void add_registry_look_routes(Routes& routes);

}  // namespace brig::api
