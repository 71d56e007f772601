// Mounts that the caller makes, since inside a container's user namespace the right to do it is
// gone: the root's file system (its users may not be able to go where it lies, and an overlay of
// theirs would not know the marks of deletions), those whose files belong to other users than on
// disk ("idmap"), and binds of the host's files.
#pragma once

#include <cstddef>
#include <map>

#include "base/fd.h"
#include "os/sandbox_spec.h"

namespace brig::os {

/// A user namespace with these mappings and nobody in it. Throws SysError.
Fd make_user_namespace(const std::vector<IdMapping>& users, const std::vector<IdMapping>& groups);

/// Attached nowhere, with their other attributes applied.
struct EarlyMounts {
    Fd root;                         ///< of spec.root_mounts the first, if it needs it
    std::map<std::size_t, Fd> more;  ///< of spec.mounts those that need it, by their index
};
EarlyMounts make_early_mounts(const SandboxSpec& spec);

}  // namespace brig::os
