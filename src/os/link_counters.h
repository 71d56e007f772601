// What went through a network interface of the host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace brig::os {

struct Traffic {
    std::uint64_t bytes = 0, packets = 0, errors = 0, dropped = 0;
};

struct LinkCounters {
    Traffic received, sent;
};

/// Since the interface was made; nothing when there is no such interface.
std::optional<LinkCounters> link_counters(const std::string& name);

}  // namespace brig::os
