// API versions in the request's path: /v1.43/containers/json.
#pragma once

#include "api/http.h"

namespace brig::api {

/// Takes a version prefix off the path; without one the request is for the newest version. Throws
/// Error{invalid_argument}, in docker's words, for versions outside what we speak.
void negotiate_version(Request& request);

}  // namespace brig::api
