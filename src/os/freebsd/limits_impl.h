// Behind os::Limits: a jail's name, and the processors it is bound to once it exists.
#pragma once

#include <string>

#include "os/limits.h"

namespace brig::os {

struct Limits::Impl {
    std::string jail;
    std::string cpus;  ///< "0-2,4", waiting for the jail

    /// What can only be set on a jail that exists.
    void attach(int jail_number) const;
};

}  // namespace brig::os
