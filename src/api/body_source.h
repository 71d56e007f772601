// A request's body as the archive layer reads it.
#pragma once

#include <memory>

#include "api/http.h"
#include "archive/stream.h"

namespace brig::api {

/// Throws at the end of a body that broke off.
std::unique_ptr<archive::Source> body_source(http::BodyStream body);

}  // namespace brig::api
