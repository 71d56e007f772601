// From a request to its route and from any failure to a reply.
#pragma once

#include "api/http.h"

namespace brig::api {

[[nodiscard]] BodyMode body_mode(const Router& router, const Request& head);
/// Never throws for what a request or a handler does; adds the headers that every reply has.
Reply dispatch(const Router& router, Request request);

}  // namespace brig::api
