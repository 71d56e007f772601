// Mounts of config.json.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "engine/spec_parts.h"

namespace brig::engine {
namespace {

brig::Mount* find_mount(oci::RuntimeSpec& spec, std::string_view target) {
    const auto found = std::ranges::find(spec.mounts, target, &brig::Mount::target);
    return found == spec.mounts.end() ? nullptr : &*found;
}

void remove_mount(oci::RuntimeSpec& spec, std::string_view target) {
    std::erase_if(spec.mounts, [&](const auto& mount) { return mount.target == target; });
}

void make_writable(oci::RuntimeSpec& spec, std::string_view target) {
    if (auto* mount = find_mount(spec, target)) {
        std::erase(mount->options, "ro");
        mount->options.emplace_back("rw");
    }
}

brig::Mount bind_of(const std::string& source, const std::string& target, bool writable) {
    return {"bind", source, target, {"rbind", "rprivate", writable ? "rw" : "ro"}};
}

void set_shared_memory(oci::RuntimeSpec& spec, const HostConfig& host,
                       const std::filesystem::path& shared) {
    if (!shared.empty()) {
        if (auto* shm = find_mount(spec, "/dev/shm")) *shm = bind_of(shared, "/dev/shm", true);
    } else if (host.ipc_mode == "host") {
        for (const char* place : {"/dev/shm", "/dev/mqueue"}) {
            remove_mount(spec, place);
            std::error_code error;
            if (std::filesystem::exists(place, error))
                spec.mounts.push_back(bind_of(place, place, true));
        }
    } else if (host.ipc_mode == "none") {
        remove_mount(spec, "/dev/shm");
    } else if (auto* shm = find_mount(spec, "/dev/shm"); shm != nullptr && host.shm_size > 0) {
        std::erase_if(shm->options, [](const auto& option) { return option.starts_with("size="); });
        shm->options.push_back("size=" + std::to_string(host.shm_size));
    }
}

brig::Mount tmpfs(const MountPoint& point) {
    brig::Mount mount{"tmpfs", "tmpfs", point.destination, {"noexec", "nosuid", "nodev"}};
    for (const auto& option : split(point.mode, ',')) {
        if (option.empty()) continue;
        // "exec" takes "noexec" back, and so on.
        std::erase(mount.options, "no" + option);
        mount.options.push_back(option);
    }
    if (!point.rw && point.mode.empty()) mount.options.emplace_back("ro");
    if (point.tmpfs_size > 0) mount.options.push_back("size=" + std::to_string(point.tmpfs_size));
    if (point.tmpfs_mode > 0) mount.options.push_back(fmt::format("mode={:o}", point.tmpfs_mode));
    return mount;
}

}  // namespace

brig::Mount runtime_mount(const MountPoint& point) {
    if (point.type == "tmpfs") return tmpfs(point);
    brig::Mount mount{"bind", point.source, point.destination, {}};
    mount.options.emplace_back(point.recursive ? "rbind" : "bind");
    mount.options.push_back(point.propagation.empty() ? "rprivate" : point.propagation);
    mount.options.emplace_back(point.rw ? "rw" : "ro");
    return mount;
}

void set_mounts(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs) {
    set_shared_memory(spec, record.host, inputs.shared_memory);
    if (record.host.privileged) {
        make_writable(spec, "/sys");
        make_writable(spec, "/sys/fs/cgroup");
    }
    std::vector<brig::Mount> own;
    if (!inputs.files.empty()) {
        for (const char* name : {"resolv.conf", "hostname", "hosts"}) {
            own.push_back(bind_of((inputs.files / name).string(), std::string("/etc/") + name,
                                  !record.host.readonly_rootfs));
        }
    }
    if (has_init(record))
        own.push_back({"bind", inputs.init, std::string(init_path), {"bind", "ro"}});
    for (const auto& point : record.mounts) {
        std::erase_if(own, [&](const auto& mount) { return mount.target == point.destination; });
        remove_mount(spec, point.destination);
        own.push_back(runtime_mount(point));
    }
    std::ranges::stable_sort(
        own, {}, [](const brig::Mount& mount) { return std::ranges::count(mount.target, '/'); });
    spec.mounts.insert(spec.mounts.end(), own.begin(), own.end());
}

}  // namespace brig::engine
