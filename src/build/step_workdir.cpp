// WORKDIR: the directory is made where it is missing, which is the only reason for a layer.
#include <fcntl.h>

#include "base/error.h"
#include "build/copy.h"
#include "build/stage.h"
#include "oci/glob.h"
#include "os/beneath.h"
#include "snapshot/snapshotter.h"

namespace brig::build {
namespace {

/// True when the directory had to be made. Resolved beneath the root: what the image's links point
/// at on the host is never touched (CVE-2024-5154).
bool make_missing(const CopyTarget& target) {
    try {
        os::open_in_root(target.root, target.path, O_RDONLY | O_DIRECTORY);
        return false;
    } catch (const SysError& error) {
        if (error.error_number() == ENOTDIR) {
            throw Error(ErrorKind::invalid_argument, "cannot mkdir: {} is not a directory",
                        target.path);
        }
        if (error.error_number() != ENOENT) throw;
    }
    make_target(target);
    return true;
}

}  // namespace

void StageBuilder::workdir(const Instruction& instruction) {
    auto path = expand_word(instruction.args.front());
    if (path.empty()) {
        throw Error(ErrorKind::invalid_argument, "cannot normalize nothing: {} is empty",
                    instruction.args.front());
    }
    if (!path.starts_with('/'))
        path = (config_.config.working_dir.empty() ? "/" : config_.config.working_dir + "/") + path;
    path = oci::clean_path(path);
    const auto step = key({"WORKDIR", path});
    if (reuse(step)) return;
    config_.config.working_dir = path;
    Work work(*this);
    CopyTarget target{.path = path, .owners = session_.parts.snapshots.owners()};
    const bool made = [&] {
        const auto rootfs = work.open();
        target.root = rootfs.fd();
        return make_missing(target);
    }();
    commit(step, nop(" WORKDIR " + path), made ? std::optional(work.commit()) : std::nullopt);
}

}  // namespace brig::build
