// config.json of the OCI runtime specification 1.3 as plain types, and its JSON in and out. Only
// what Brig acts on or passes through is here. A property of the specification that Brig does not
// implement is refused; one that the specification does not know is warned of, as it must not be an
// error.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mount_spec.h"
#include "os/resources.h"
#include "os/sandbox_spec.h"

namespace brig::oci {

// The parts that the kernel is told as they are.
using os::Capabilities;
using os::ConsoleSize;
using os::MemoryPolicy;
using os::ProcessUser;
using os::Rlimit;
using os::Scheduler;
using Process = os::ProcessSpec;

using os::BlockIoResources;
using os::BlockThrottle;
using os::BlockWeight;
using os::CpuResources;
using os::DeviceRule;
using os::HugepageLimit;
using os::MemoryResources;
using os::NetworkResources;
using os::RdmaLimit;
using os::Resources;

using os::DeviceNode;
using os::IdMapping;
using os::Namespace;
using os::Seccomp;
using os::SeccompArg;
using os::SeccompRule;
using Linux = os::LinuxSettings;

using os::Jail;
using os::JailAllow;
using os::JailDevice;
using Freebsd = os::JailSettings;

struct Root {
    std::string path;  ///< absolute, or relative to the bundle
    bool readonly = false;
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<int> timeout;  ///< seconds
};

struct Hooks {
    std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart,
        poststop;
    [[nodiscard]] bool empty() const {
        return prestart.empty() && create_runtime.empty() && create_container.empty() &&
               start_container.empty() && poststart.empty() && poststop.empty();
    }
};

struct RuntimeSpec {
    std::string oci_version = "1.2.0";
    Process process;
    bool has_process = true;  ///< a container may be created without; it cannot be started then
    Root root;
    std::string hostname;
    std::string domainname;
    std::vector<brig::Mount> mounts;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    std::optional<Linux> linux;
    std::optional<Freebsd> freebsd;
};

/// An annotation: the path of a file that holds linux.seccomp, where that is absent. Brig's own
/// engine names one in place of repeating thousands of bytes for every container.
inline constexpr const char* shared_seccomp = "org.brig.seccomp";

/// All throw Error{invalid_argument} that names the property at fault.
RuntimeSpec runtime_spec_from_json(std::string_view text);
Process process_from_json(std::string_view text);
Resources resources_from_json(std::string_view text);
Seccomp seccomp_from_json(std::string_view text);

std::string to_json(const RuntimeSpec& spec);
std::string to_json(const Process& process);
std::string to_json(const Resources& resources);
std::string to_json(const Seccomp& seccomp);

}  // namespace brig::oci
