// Who answers the questions of a system call filter (SCMP_ACT_NOTIFY): the program that listens on
// seccomp.listenerPath.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"

namespace brig::runtime {

/// Connects to the unix socket. Throws SysError.
Fd connect_listener(const std::string& path);

/// The specification's "container process state" for process `pid`; `state` is the container's.
std::string listener_message(const std::string& state, const std::string& metadata, pid_t pid);

}  // namespace brig::runtime
