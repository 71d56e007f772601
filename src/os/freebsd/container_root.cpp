// The root is an ordinary mount of the host; a descriptor is opened again by its empty path.
#include "os/container_root.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.h"
#include "os/beneath.h"

namespace brig::os {

Fd open_container_root(pid_t, const std::filesystem::path& mounted_at) {
    return open_file(mounted_at.string(), O_RDONLY | O_DIRECTORY);
}

Fd open_regular_in_root(int root, const std::string& path) {
    const Fd handle = open_in_root(root, path, O_PATH);
    struct stat info {};
    if (::fstat(handle.get(), &info) != 0) throw SysError("stat {}", path);
    if (!S_ISREG(info.st_mode))
        throw Error(ErrorKind::invalid_argument, "{} is not a regular file", path);
    return open_at(handle.get(), "", O_RDONLY | O_EMPTY_PATH);
}

}  // namespace brig::os
