// The pieces of `docker ps` that can be looked at one by one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "engine/container.h"

namespace brig::image {
class Store;
}

namespace brig::engine {

/// "2 hours", "About a minute", …
std::string human_duration(std::chrono::nanoseconds elapsed);
/// "Up 3 minutes", "Exited (0) 2 hours ago", …
std::string status_sentence(const State& state, Instant at);
/// A part of a name, or with ^ and $ its beginning and end.
bool name_matches(const std::string& name, std::string_view pattern);
bool matches_container(const Record& record, const Filters& filters, const image::Store& images);

}  // namespace brig::engine
