// The root is an ordinary mount of the host.
#include "os/container_root.h"

#include <fcntl.h>

namespace brig::os {

Fd open_container_root(pid_t, const std::filesystem::path& mounted_at) {
    return open_file(mounted_at.string(), O_RDONLY | O_DIRECTORY);
}

}  // namespace brig::os
