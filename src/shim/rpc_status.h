// Error kinds as the status codes of ttrpc, which are gRPC's, and back.
#pragma once

#include "base/error.h"

namespace brig::shim {

int to_code(ErrorKind kind);
ErrorKind from_code(int code);

}  // namespace brig::shim
