// See cgroup_layout.h. By the conventional mount points: reading the mount table would cost more
// than all else on hosts with a thousand mounts.
#include "os/linux/cgroup_layout.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/linux/systemd_scope.h"

namespace brig::os {
namespace {

bool is_v2(const std::string& path) {
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

CgroupLayout discover() {
    CgroupLayout layout;
    const std::string top = CgroupLayout::top;
    if (is_v2(top)) {
        layout.v2 = top;
        return layout;
    }
    if (is_v2(top + "/unified")) layout.v2 = top + "/unified";
    // "4:memory:/path" per hierarchy; named ones and version 2 ("0::") have no controller.
    for (const std::string& line : split(read_file("/proc/self/cgroup"), '\n')) {
        const auto fields = split(line, ':');
        if (fields.size() < 3 || fields[1].empty() || fields[1].starts_with("name=")) continue;
        if (::access(fmt::format("{}/{}", top, fields[1]).c_str(), F_OK) != 0) continue;
        for (const std::string& controller : split(fields[1], ','))
            layout.v1[controller] = fields[1];
    }
    return layout;
}

/// An ordinary user's groups are those below the one that was delegated to the session.
std::string default_path(const std::string& id) {
    if (::geteuid() == 0 || cgroup_layout().v2.empty()) return "/brig/" + id;
    for (const std::string& line : split(read_file("/proc/self/cgroup"), '\n')) {
        if (!line.starts_with("0::/")) continue;
        const std::string own = line.substr(3);
        return (own == "/" ? "" : own) + "/brig-" + id;
    }
    return "/brig/" + id;
}

}  // namespace

const CgroupLayout& cgroup_layout() {
    static const CgroupLayout layout = discover();
    return layout;
}

std::string cgroup_path(const std::string& id, const std::string& configured) {
    std::string path = configured.empty() ? default_path(id) : configured;
    if (const auto parts = split(path, ':'); parts.size() == 3) {
        const std::string slice = parts[0].empty() ? "system.slice" : parts[0];
        const std::string name = parts[1].empty() ? parts[2] : parts[1] + "-" + parts[2];
        path = slice_path(slice) + "/" + name + (name.ends_with(".slice") ? "" : ".scope");
    }
    if (!path.starts_with('/')) path = "/" + path;
    for (const std::string& part : split(path, '/')) {
        if (part == ".." || part == ".") {
            throw Error(ErrorKind::invalid_argument, "cgroupsPath: {:?} is not a plain path",
                        configured);
        }
    }
    if (path.find_first_not_of('/') == std::string::npos) {
        throw Error(ErrorKind::invalid_argument,
                    "cgroupsPath: the root group cannot be a container's");
    }
    return path;
}

}  // namespace brig::os
