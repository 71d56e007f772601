// devfs rules need names only; the nodes make themselves.
#include "os/host_devices.h"

#include <sys/stat.h>

#include "base/error.h"

namespace brig::os {

std::vector<HostDevice> devices_at(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        throw SysError("error gathering device information while adding custom device \"{}\"",
                       path);
    }
    if (!path.starts_with("/dev/") || (!S_ISCHR(info.st_mode) && !S_ISDIR(info.st_mode))) {
        throw Error(ErrorKind::invalid_argument,
                    "error gathering device information while adding custom device \"{}\": not a "
                    "device node",
                    path);
    }
    HostDevice device;
    device.rule.path = path.substr(5);
    if (S_ISDIR(info.st_mode)) device.rule.path += "/*";
    return {device};
}

std::vector<HostDevice> all_devices() {
    HostDevice everything;
    everything.rule.path = "*";
    return {everything};
}

}  // namespace brig::os
