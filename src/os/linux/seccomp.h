// System call filters: compiled by libseccomp once per profile, loaded as plain BPF.
#pragma once

#include "os/sandbox.h"

namespace brig::os {

/// Installs it on the calling process. Returns where its questions arrive, if it asks any. Throws
/// SysError.
Fd load_filter(const SyscallFilter& filter);

}  // namespace brig::os
