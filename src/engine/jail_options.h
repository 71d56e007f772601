// What of docker's options jails cannot give. Refused by the flag's name when the container is
// made: an option that isolation, limits or data depend on is never ignored.
#pragma once

#include "engine/container.h"
#include "oci/runtime_spec.h"

namespace brig::engine {

/// Annotations with this beginning are parameters of the jail.
inline constexpr std::string_view jail_parameter = "org.freebsd.jail.";

/// Throws Error{not_implemented} naming the first option in `host` that has no counterpart with
/// jails. `host` as the client sent it, before defaults are filled in.
void check_jail_options(const HostConfig& host, std::string_view image_os);

/// The same for options that only jails have.
void check_namespace_options(const HostConfig& host);

/// The jail of config.json for a container: how much of the host it shares, what --privileged
/// allows, and what programs of a Linux image expect.
void set_jail(oci::RuntimeSpec& spec, const Record& record);

}  // namespace brig::engine
