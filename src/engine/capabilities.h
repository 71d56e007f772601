// --cap-add, --cap-drop and --privileged as one list.
#pragma once

#include <string>
#include <vector>

#include "engine/types.h"

namespace brig::engine {

/// Names as "CAP_CHOWN", in the specification's order. Throws invalid_argument for an unknown one,
/// with docker's text.
Strings container_capabilities(const HostConfig& host);

}  // namespace brig::engine
