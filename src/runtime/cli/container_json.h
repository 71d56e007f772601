// A container's state in runc's JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/cli/command.h"

namespace brig::runtime {

/// The fields in runc's order, which people and scripts have come to expect.
nlohmann::ordered_json container_json(const Context& context, const State& state);

/// The name of whoever owns the container's state, or "#UID".
std::string owner_of(const Context& context, const std::string& id);

}  // namespace brig::runtime
