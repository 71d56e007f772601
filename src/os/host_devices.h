// Device nodes of the host that a container is given: --device and --privileged.
#pragma once

#include <string>
#include <vector>

#include "os/sandbox_spec.h"

namespace brig::os {

struct HostDevice {
    DeviceNode node;  ///< path as on the host
    JailDevice rule;  ///< the same for a devfs ruleset
};

/// The device at `path`, or all those beneath it where it is a directory. Throws SysError, or
/// Error{invalid_argument} when there is none.
std::vector<HostDevice> devices_at(const std::string& path);
/// Everything in /dev that is no terminal, and not a file system of its own.
std::vector<HostDevice> all_devices();

}  // namespace brig::os
