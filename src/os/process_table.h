// Processes of the host, looked at for `top`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace brig::os {

struct ProcessInfo {
    pid_t pid = 0;
    pid_t parent = 0;
    std::uint32_t uid = 0;
    Instant started;
    std::uint64_t cpu_milliseconds = 0;
    std::string terminal;  ///< "?" without one
    std::string command;   ///< with its arguments; "[name]" where they cannot be read
};

/// Nothing when there is no such process (any more).
std::optional<ProcessInfo> process_info(pid_t pid);

struct HostInfo {
    std::string system;            ///< "Linux"
    std::string kernel;            ///< release
    std::string machine;           ///< "x86_64"
    std::string name;              ///< of the host
    std::string operating_system;  ///< "Debian GNU/Linux 12 (bookworm)"
    int cpus = 0;
    std::uint64_t memory = 0;
    std::string cgroup_version = {};  ///< "2"; "1" also where both are mounted; empty without any
};
HostInfo host_info();

}  // namespace brig::os
