// Container names: what is allowed, and what a nameless container is called.
#pragma once

#include <string>
#include <string_view>

namespace brig::engine {

/// Throws invalid_argument with docker's text unless `name` is [a-zA-Z0-9][a-zA-Z0-9_.-]+ (one
/// leading slash is tolerated). Returns it without the slash.
std::string check_name(std::string_view name);

/// "eager_ritchie"; from the second attempt on with a digit behind.
std::string random_name(int attempt);

}  // namespace brig::engine
