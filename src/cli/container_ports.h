// The PORTS column of ps.
#pragma once

#include <string>

#include "cli/json.h"

namespace brig::cli {

/// The API's list of ports as "443/tcp, 0.0.0.0:8080->80/tcp"; neighbours become ranges.
std::string displayed_ports(const Json& ports);

}  // namespace brig::cli
