// Mounts that the caller makes, since inside a container's user namespace the right to do it is
// gone: those whose files belong to other users than on disk ("idmap"), and binds of the host's
// files.
#pragma once

#include <cstddef>
#include <map>

#include "base/fd.h"
#include "os/sandbox_spec.h"

namespace brig::os {

/// A user namespace with these mappings and nobody in it. Throws SysError.
Fd make_user_namespace(const std::vector<IdMapping>& users, const std::vector<IdMapping>& groups);

/// Those of spec.mounts that need it, by their index: copies attached nowhere, with their other
/// attributes applied.
std::map<std::size_t, Fd> make_early_mounts(const SandboxSpec& spec);

}  // namespace brig::os
