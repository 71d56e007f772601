// System call filters that containers share. Working one out, writing and reading it as text take
// longer than all the rest of a container's configuration, and there are few different ones: so
// config.json names a file (oci::shared_seccomp) instead of repeating it.
#pragma once

#include <filesystem>

#include "engine/types.h"
#include "oci/runtime_spec.h"

namespace brig::engine {

oci::Seccomp seccomp_for(const Strings& capabilities);
/// The file in `directory` that holds it, written now if it is not there. It never changes.
std::filesystem::path seccomp_file_for(const Strings& capabilities,
                                       const std::filesystem::path& directory);

}  // namespace brig::engine
