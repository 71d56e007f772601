// See example_spec.h.
#include "runtime/cli/example_spec.h"

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace brig::runtime {
namespace {

using Words = std::vector<std::string>;

oci::Process example_process() {
    oci::Process process;
    process.terminal = true;
    process.args = {"sh"};
    process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "TERM=xterm"};
    const Words few{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    auto& sets = process.capabilities.emplace();
    sets.bounding = sets.effective = sets.permitted = few;
    process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
    process.no_new_privileges = true;
    return process;
}

std::vector<Mount> example_mounts() {
    return {
        {"proc", "proc", "/proc", {}},
        {"tmpfs", "tmpfs", "/dev", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {"devpts",
         "devpts",
         "/dev/pts",
         {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {"tmpfs", "shm", "/dev/shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
        {"mqueue", "mqueue", "/dev/mqueue", {"nosuid", "noexec", "nodev"}},
        {"sysfs", "sysfs", "/sys", {"nosuid", "noexec", "nodev", "ro"}},
        {"cgroup", "cgroup", "/sys/fs/cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}}};
}

oci::Linux example_linux() {
    oci::Linux out;
    for (const char* type : {"pid", "network", "ipc", "uts", "mount"})
        out.namespaces.push_back({type, ""});
    // With version 1 of control groups such a namespace hides less than it breaks.
    if (std::filesystem::exists("/sys/fs/cgroup/cgroup.controllers"))
        out.namespaces.push_back({"cgroup", ""});
    out.resources.devices = {{.allow = false, .access = "rwm"}};
    out.masked_paths = {"/proc/acpi",        "/proc/asound",        "/proc/kcore",
                        "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
                        "/proc/timer_stats", "/proc/sched_debug",   "/sys/firmware",
                        "/proc/scsi"};
    out.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    return out;
}

}  // namespace

oci::RuntimeSpec example_spec() {
    oci::RuntimeSpec spec;
    spec.process = example_process();
    spec.root = {"rootfs", true};
    spec.hostname = "brig";
    spec.mounts = example_mounts();
    spec.linux = example_linux();
    return spec;
}

void make_rootless(oci::RuntimeSpec& spec) {
    auto& settings = *spec.linux;
    std::erase_if(settings.namespaces, [](const auto& n) { return n.type == "network"; });
    settings.namespaces.push_back({"user", ""});
    settings.uid_mappings = {{0, ::geteuid(), 1}};
    settings.gid_mappings = {{0, ::getegid(), 1}};
    settings.resources = {};
    for (Mount& mount : spec.mounts) {
        // A new sysfs belongs to who owns the network namespace: the host.
        if (mount.target == "/sys")
            mount = {"none", "/sys", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};
        std::erase_if(mount.options, [](const std::string& option) {
            return option.starts_with("gid=") || option.starts_with("uid=");
        });
    }
}

std::string indented(const std::string& json) {
    return nlohmann::ordered_json::parse(json).dump(2) + "\n";
}

}  // namespace brig::runtime
