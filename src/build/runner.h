// What a build needs from the engine to carry out RUN: a process in a root filesystem, with a
// network, and its output. The engine implements it over the shim.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mount_spec.h"

namespace brig::build {

struct RunRequest {
    std::string id;  ///< 64 hex digits: the intermediate container, as the build prints it
    std::vector<Mount> rootfs;  ///< mounted at "/" in the process's own mount namespace
    std::vector<std::string> args;
    std::vector<std::string> env;  ///< complete: "PATH=…" is always there
    std::string cwd;
    std::string user;     ///< as USER has it: "", "name", "1000:1000", …; looked up in the root
    std::string network;  ///< "", "default" or "bridge", "none", "host"
    std::vector<std::string> extra_hosts;  ///< "name:address"
    std::int64_t shm_size = 0;             ///< 0: the default
    std::int64_t memory = 0;               ///< 0: no limit
};

class Runner {
public:
    virtual ~Runner() = default;
    /// Runs the process to its end and returns its exit status (0…255; 128+n after signal n).
    /// stdout and stderr go to `output` on the calling thread, in the order of arrival. When
    /// `output` throws, or `cancelled` (asked at least once a second) turns true, everything that
    /// was started is killed and the exception, or Error{cancelled}, comes out. Nothing is left
    /// behind either way but what the process did to its root. A command that cannot be started is
    /// Error{not_found} or {permission_denied} with docker's text.
    virtual int run(const RunRequest& request, const std::function<void(std::string_view)>& output,
                    const std::function<bool()>& cancelled) = 0;
};

}  // namespace brig::build
