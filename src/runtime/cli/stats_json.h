// A container's counters in the JSON of runc's events.
#pragma once

#include <nlohmann/json.hpp>

#include "runtime/runtime.h"

namespace brig::runtime {

nlohmann::ordered_json stats_json(const Stats& stats);

}  // namespace brig::runtime
