// toml++ without its assertions, which stand in front of errors that it reports well: a bracket
// that is not closed would end a debug build. Include in .cpp files only.
#pragma once

#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>
