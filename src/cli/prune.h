// What the prune commands share: asking the engine, and telling what went.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/client.h"

namespace brig::cli {

using FilterWords = std::vector<std::string>;  ///< "key=value" each

/// Each prints a list of what is gone, where something is, and returns the bytes set free.
std::int64_t prune_containers(client::Client& engine, const FilterWords& filters);
std::int64_t prune_networks(client::Client& engine, const FilterWords& filters);
std::int64_t prune_volumes(client::Client& engine, FilterWords filters, bool all);
std::int64_t prune_images(client::Client& engine, FilterWords filters, bool all);
std::int64_t prune_build_cache(client::Client& engine, bool all);

void print_reclaimed(std::int64_t bytes);

}  // namespace brig::cli
