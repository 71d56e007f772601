// POST /images/create?fromImage=, which shares its route with imports.
#pragma once

#include "api/context.h"

namespace brig::api {

Reply pull_image(Context& context, const Request& request);

}  // namespace brig::api
