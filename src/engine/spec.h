// From a container's record to the OCI configuration that runs it.
#pragma once

#include <filesystem>
#include <string>

#include "engine/container.h"
#include "engine/users.h"
#include "oci/runtime_spec.h"

namespace brig::engine {

/// What start has found out and made.
struct SpecInputs {
    std::filesystem::path files;  ///< hosts, hostname, resolv.conf; empty: none of them
    ResolvedUser user;
    std::string network_namespace;  ///< path; empty: a new one
    std::string host_name;          ///< of the host, for --uts host and HOSTNAME
};

/// The environment: PATH, HOSTNAME, TERM, then the container's own over them, then HOME.
Strings make_environment(const Record& record, const ResolvedUser& user);
/// `extra` over `base`; an entry without '=' removes the variable.
void merge_environment(Strings& base, const Strings& extra);

oci::RuntimeSpec make_spec(const Record& record, const SpecInputs& inputs);
oci::Resources make_resources(const HostConfig& host);
oci::Capabilities make_capability_sets(const Strings& names, const ResolvedUser& user);

/// Throws invalid_argument for what make_spec could not express: unknown capabilities, ulimits,
/// sysctls that would reach outside the container. For create, so that start need not fail.
void check_spec_options(const Record& record);

}  // namespace brig::engine
