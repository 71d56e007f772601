// Nodes of /dev by lstat.
#include "os/host_devices.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"

namespace brig::os {
namespace {

namespace fs = std::filesystem;

bool describe_node(const std::string& path, std::vector<HostDevice>& out) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)))
        return false;
    HostDevice device;
    device.node.path = path;
    device.node.type = S_ISBLK(info.st_mode) ? "b" : "c";
    device.node.major = ::major(info.st_rdev);
    device.node.minor = ::minor(info.st_rdev);
    device.node.file_mode = info.st_mode & 07777U;
    device.node.uid = info.st_uid;
    device.node.gid = info.st_gid;
    device.rule.path = path;
    out.push_back(std::move(device));
    return true;
}

void walk(const std::string& directory, std::vector<HostDevice>& out) {
    // Places with file systems of their own, the caller's terminal, and what leads to the host's.
    constexpr std::array<std::string_view, 9> skipped{
        "pts", "shm", "fd", "mqueue", "ptmx", "console", "hugepages", ".udev", ".lxc"};
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        if (std::ranges::find(skipped, name) != skipped.end()) continue;
        if (entry.is_symlink(error)) continue;
        if (entry.is_directory(error)) {
            walk(entry.path().string(), out);
        } else {
            describe_node(entry.path().string(), out);
        }
    }
}

}  // namespace

std::vector<HostDevice> devices_at(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        throw SysError("error gathering device information while adding custom device \"{}\"",
                       path);
    }
    std::vector<HostDevice> out;
    if (S_ISDIR(info.st_mode)) {
        walk(path, out);
    } else {
        describe_node(fs::canonical(path).string(), out);
    }
    if (out.empty()) {
        throw Error(ErrorKind::invalid_argument,
                    "error gathering device information while adding custom device \"{}\": not a "
                    "device node",
                    path);
    }
    return out;
}

std::vector<HostDevice> all_devices() {
    std::vector<HostDevice> out;
    walk("/dev", out);
    return out;
}

}  // namespace brig::os
