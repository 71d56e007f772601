// syncfs(2) and the kernel's boot id.
#include "os/storage.h"

#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"

namespace brig::os {

void sync_filesystem(int fd) {
    if (::syncfs(fd) != 0) throw SysError("flush the file system of descriptor {}", fd);
}

std::string boot_identity() {
    return std::string(trim(read_file("/proc/sys/kernel/random/boot_id", 256)));
}

}  // namespace brig::os
