// What a container gets when nobody says otherwise: Docker's defaults, as data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/runtime_spec.h"

namespace brig::oci {

/// Docker's fourteen default capabilities, "CAP_CHOWN", …
const std::vector<std::string>& default_capabilities();
/// Every capability the specification knows (what `--privileged` and `--cap-add ALL` give; the
/// runtime leaves out those the kernel does not have).
const std::vector<std::string>& all_capabilities();

const std::vector<std::string>& default_masked_paths();
const std::vector<std::string>& default_readonly_paths();
/// proc, dev, devpts, sysfs (ro), cgroup (ro), mqueue, shm (64 MB).
std::vector<brig::Mount> default_linux_mounts();
/// What mounting these, and a container's own hosts, hostname and resolv.conf, creates in a root
/// that lacks it: relative, what is inside before what it is in.
const std::vector<std::string>& default_mount_points();
/// No device; the runtime always adds the harmless ones (null, zero, tty, pts, …).
std::vector<DeviceRule> default_device_rules();

/// Docker's default profile, resolved for a container with these (bounding) capabilities on this
/// machine's architecture.
Seccomp default_seccomp(const std::vector<std::string>& capabilities);
/// A profile in Docker's file format (archMap, includes, excludes), resolved the same way. Throws
/// Error{invalid_argument}.
Seccomp seccomp_from_docker_profile(std::string_view json,
                                    const std::vector<std::string>& capabilities);

/// A complete container as `docker run` makes it: new pid, ipc, uts, mount, network and cgroup
/// namespaces, the mounts, paths, devices and capabilities above, seccomp. root.path "rootfs",
/// args {"sh"}, PATH and TERM set.
RuntimeSpec default_linux_spec();
/// The same on FreeBSD: devfs and fdescfs, vnet=new, enforce_statfs=2, nothing allowed.
RuntimeSpec default_freebsd_spec();

}  // namespace brig::oci
