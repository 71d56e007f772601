// FreeBSD has no RESOLVE_IN_ROOT: O_RESOLVE_BENEATH answers the common case (no absolute link on
// the way) in one call, the walk everything else.
#include "os/beneath.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"

namespace brig::os {

Fd open_in_root(int root, const std::string& path, int flags, mode_t mode) {
    const std::size_t start = path.find_first_not_of('/');
    const std::string relative = start == std::string::npos ? "." : path.substr(start);
    Fd fd(::openat(root, relative.c_str(), flags | O_RESOLVE_BENEATH | O_CLOEXEC, mode));
    if (fd) return fd;
    // ENOTCAPABLE: the path leaves the root by ".." or an absolute link. ENOENT through a
    // creating open is final as well, but a relative link may still point through the root. EMLINK
    // is ELOOP for the last component under O_NOFOLLOW.
    if (errno == EMLINK) throw SysError(ELOOP, "open " + path);
    if (errno != ENOTCAPABLE) throw SysError("open {}", path);
    return walk_in_root(root, path, flags, mode);
}

}  // namespace brig::os
