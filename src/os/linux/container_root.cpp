// By the magic links of /proc, which lead to what a descriptor or process has, not to a name.
#include "os/container_root.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/beneath.h"

namespace brig::os {

Fd open_container_root(pid_t process, const std::filesystem::path&) {
    return open_file(fmt::format("/proc/{}/root", process), O_RDONLY | O_DIRECTORY);
}

Fd open_regular_in_root(int root, const std::string& path) {
    const Fd handle = open_in_root(root, path, O_PATH);
    struct stat info {};
    if (::fstat(handle.get(), &info) != 0) throw SysError("stat {}", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::invalid_argument, "{} is not a regular file", path);
    return open_file(fmt::format("/proc/self/fd/{}", handle.get()), O_RDONLY);
}

}  // namespace brig::os
