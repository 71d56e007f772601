// hier(7)'s places; /run does not exist, and /var/run is emptied at boot. There need be no /proc.
#include "os/places.h"

#include <sys/param.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <array>

namespace brig::os {

Places default_places() {
    return {"/var/db/brig", "/var/run/brig", "/usr/local/etc/brig/brigd.toml"};
}

std::filesystem::path own_program() {
    const std::array<int, 4> name{CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};
    std::array<char, MAXPATHLEN> path{};
    std::size_t size = path.size();
    if (::sysctl(name.data(), name.size(), path.data(), &size, nullptr, 0) != 0) return {};
    return path.data();
}

}  // namespace brig::os
