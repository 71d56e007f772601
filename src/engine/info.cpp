// What the engine says of itself and of its host: info and version.
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "base/version.h"
#include "engine/impl.h"
#include "os/process_table.h"
#include "snapshot/snapshotter.h"

namespace brig::engine {

using nlohmann::json;

namespace {

/// Go's name for it, which clients compare with.
std::string go_architecture(const std::string& machine) {
    if (machine == "x86_64" || machine == "amd64") return "amd64";
    if (machine == "aarch64" || machine == "arm64") return "arm64";
    return machine;
}

std::string go_system(const std::string& system) { return to_lower(system); }

struct Counts {
    int running = 0, paused = 0, stopped = 0;
};

Counts count(const std::vector<ContainerPtr>& containers) {
    Counts out;
    for (const auto& container : containers) {
        const auto state = container->state();
        if (state.status == Status::paused) {
            ++out.paused;
        } else if (state.running() || state.status == Status::restarting) {
            ++out.running;
        } else {
            ++out.stopped;
        }
    }
    return out;
}

json security_options(bool own_users) {
    json out{"name=seccomp,profile=builtin"};
    if (own_users) out.push_back("name=userns");
    return out;
}

}  // namespace

json Engine::info() {
    const auto& settings = impl_->parts.settings;
    const auto host = os::host_info();
    const auto containers = impl_->table.all();
    const auto counts = count(containers);
    return {{"ID", host.name + "-brig"},
            {"Containers", containers.size()},
            {"ContainersRunning", counts.running},
            {"ContainersPaused", counts.paused},
            {"ContainersStopped", counts.stopped},
            {"Images", images().list().size()},
            {"Driver", settings.storage_driver},
            {"DriverStatus", json::array()},
            {"Plugins",
             {{"Volume", {"local"}},
              {"Network", {"bridge", "host", "null"}},
              {"Authorization", nullptr},
              {"Log", {"json-file", "none"}}}},
            {"MemoryLimit", true},
            {"SwapLimit", true},
            {"CpuCfsPeriod", true},
            {"CpuCfsQuota", true},
            {"CPUShares", true},
            {"CPUSet", true},
            {"PidsLimit", true},
            {"IPv4Forwarding", true},
            {"Debug", settings.debug},
            {"NFd", 0},
            {"OomKillDisable", false},
            {"NGoroutines", 0},
            {"SystemTime", format_rfc3339(now())},
            {"LoggingDriver", "json-file"},
            {"CgroupDriver", "cgroupfs"},
            {"CgroupVersion", host.cgroup_version},
            {"NEventsListener", 0},
            {"KernelVersion", host.kernel},
            {"OperatingSystem", host.operating_system},
            {"OSVersion", ""},
            {"OSType", go_system(host.system)},
            {"Architecture", host.machine},
            {"IndexServerAddress", "https://index.docker.io/v1/"},
            {"RegistryConfig",
             {{"InsecureRegistryCIDRs", json::array()},
              {"IndexConfigs", json::object()},
              {"Mirrors", json::array()}}},
            {"NCPU", host.cpus},
            {"MemTotal", host.memory},
            {"GenericResources", nullptr},
            {"DockerRootDir", settings.root.string()},
            {"HttpProxy", ""},
            {"HttpsProxy", ""},
            {"NoProxy", ""},
            {"Name", host.name},
            {"Labels", json::array()},
            {"ExperimentalBuild", false},
            {"ServerVersion", std::string(brig::version)},
            {"Runtimes", {{"brig", {{"path", "brig-runtime"}}}}},
            {"DefaultRuntime", "brig"},
            {"Swarm",
             {{"NodeID", ""},
              {"NodeAddr", ""},
              {"LocalNodeState", "inactive"},
              {"ControlAvailable", false},
              {"Error", ""},
              {"RemoteManagers", nullptr}}},
            {"LiveRestoreEnabled", true},
            {"Isolation", ""},
            {"InitBinary", ""},
            {"ContainerdCommit", {{"ID", ""}}},
            {"RuncCommit", {{"ID", std::string(brig::git_commit)}}},
            {"InitCommit", {{"ID", ""}}},
            {"SecurityOptions", security_options(!impl_->parts.snapshots->owners().empty())},
            {"Warnings", json::array()}};
}

json Engine::version() {
    const auto host = os::host_info();
    const std::string number(brig::version);
    const std::string commit(brig::git_commit);
    const std::string system = go_system(host.system);
    const std::string architecture = go_architecture(host.machine);
    json engine{{"Name", "Engine"},
                {"Version", number},
                {"Details",
                 {{"ApiVersion", std::string(brig::api_version)},
                  {"MinAPIVersion", std::string(brig::min_api_version)},
                  {"GitCommit", commit},
                  {"Os", system},
                  {"Arch", architecture},
                  {"KernelVersion", host.kernel},
                  {"Experimental", "false"},
                  {"GoVersion", "none: C++"}}}};
    return {{"Platform", {{"Name", "Brig"}}},
            {"Components", json::array({std::move(engine)})},
            {"Version", number},
            {"ApiVersion", std::string(brig::api_version)},
            {"MinAPIVersion", std::string(brig::min_api_version)},
            {"GitCommit", commit},
            {"GoVersion", "none: C++"},
            {"Os", system},
            {"Arch", architecture},
            {"KernelVersion", host.kernel},
            {"BuildTime", ""}};
}

bool Engine::idle() {
    const auto counts = count(impl_->table.all());
    return counts.running + counts.paused == 0;
}

}  // namespace brig::engine
