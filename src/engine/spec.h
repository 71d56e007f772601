// From a container's record to the OCI configuration that runs it.
#pragma once

#include <filesystem>
#include <string>

#include "archive/owner_map.h"
#include "base/fd.h"
#include "engine/container.h"
#include "engine/users.h"
#include "oci/runtime_spec.h"

namespace brig::engine {

/// What start has found out and made.
struct SpecInputs {
    std::filesystem::path files;  ///< hosts, hostname, resolv.conf; empty: none of them
    ResolvedUser user;
    // Paths; empty: a new one, or what the container's mode says.
    std::string network_namespace, pid_namespace, ipc_namespace;
    /// Of a user namespace, which is a new one where there is no path; empty: none.
    archive::OwnerMap owners;
    std::string user_namespace;
    std::filesystem::path shared_memory;  ///< of the host, as /dev/shm; empty: one of its own
    std::filesystem::path init;           ///< the program that --init puts first
    std::vector<oci::Rlimit> rlimits;     ///< where the container says nothing of them
    Fd isolated;                          ///< the network namespace, where nobody else keeps it
    /// Where seccomp profiles are files that containers share; empty: config.json has its own.
    std::filesystem::path profiles;
};

/// The environment: PATH, HOSTNAME, TERM, then the container's own over them, then HOME.
Strings make_environment(const Record& record, const ResolvedUser& user);
/// `extra` over `base`; an entry without '=' removes the variable.
void merge_environment(Strings& base, const Strings& extra);

oci::RuntimeSpec make_spec(const Record& record, const SpecInputs& inputs);
/// The container's own and, of `defaults`, those it does not set. Throws invalid_argument for an
/// unknown name or soft > hard.
std::vector<oci::Rlimit> make_rlimits(const HostConfig& host,
                                      const std::vector<oci::Rlimit>& defaults);
oci::Resources make_resources(const HostConfig& host);
oci::Capabilities make_capability_sets(const Strings& names, const ResolvedUser& user);

/// Throws invalid_argument for what make_spec could not express: unknown capabilities, ulimits,
/// sysctls that would reach outside the container. For create, so that start need not fail.
void check_spec_options(const Record& record);
/// Throws invalid_argument, in docker's words, for what belongs to the host's root and so cannot be
/// given to the root of a user namespace.
void check_own_users(const Record& record);

}  // namespace brig::engine
