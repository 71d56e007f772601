// brigd sets on its own what it needs of a Linux host; modules load themselves.
#include "os/host_setup.h"

namespace brig::os {

std::vector<SetupFile> host_setup(const std::string&) { return {}; }

}  // namespace brig::os
