// See systemd_scope.h.
#include "os/linux/systemd_scope.h"

#include <sys/stat.h>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

/// As sd_booted(3) finds out.
bool systemd_runs() {
    struct stat info {};
    return ::lstat("/run/systemd/system", &info) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

void check_systemd(const std::string& cgroups_path) {
    if (!systemd_runs()) {
        throw Error(ErrorKind::failed_precondition,
                    "systemd cgroup flag passed, but systemd support for managing cgroups is not "
                    "available");
    }
    if (!cgroups_path.empty() && split(cgroups_path, ':').size() != 3) {
        throw Error(ErrorKind::invalid_argument,
                    "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
                    "cgroups, got {:?} instead",
                    cgroups_path);
    }
    throw Error(ErrorKind::not_implemented, "--systemd-cgroup is not implemented yet");
}

}  // namespace brig::os
