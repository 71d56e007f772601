// The mount API of Linux 5.2 and later by descriptors: make a mount that is attached nowhere, give
// it attributes, attach it to an opened place. No path of a container is ever resolved here.
#pragma once

#include <string>

#include "base/fd.h"
#include "os/linux/mount_plan.h"

namespace brig::os {

/// A new mount of plan.type, attached nowhere. `scratch` is a directory of the host that old
/// kernels use in passing for an overlay of many layers.
Fd make_mount(const MountPlan& plan, const std::string& scratch);
/// A copy of the mounts at plan.source (a host path).
Fd make_bind(const MountPlan& plan);
/// A copy of the mount (and file) that `fd` is open on.
Fd clone_mount(int fd, bool recursive = false);
/// For plan.bind make_bind, else make_mount; attributes are applied.
Fd make_planned(const MountPlan& plan, const std::string& scratch);

void set_attributes(int mount, const MountPlan::Attributes& attributes, bool recursive);
/// Attaches on top of what `place` is open on.
void attach_mount(int mount, int place, const std::string& name);
/// Applies in order, on an attached mount.
void set_propagation(int mount, const std::vector<std::uint64_t>& flags);

}  // namespace brig::os
