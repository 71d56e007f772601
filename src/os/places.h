// Where an engine keeps things unless told otherwise, by the kernel's customs (hier(7)), and where
// its programs are.
#pragma once

#include <filesystem>

namespace brig::os {

struct Places {
    std::filesystem::path root;    ///< what lasts: images, containers, volumes
    std::filesystem::path run;     ///< what ends with the boot
    std::filesystem::path config;  ///< brigd.toml
};

Places default_places();

/// The running program's own file; empty where the kernel does not say.
std::filesystem::path own_program();

}  // namespace brig::os
