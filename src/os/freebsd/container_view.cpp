// The root and the volumes are mounted at the scratch directory, as for a jail.
#include "os/container_view.h"

#include <fcntl.h>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "os/freebsd/mount_call.h"

namespace brig::os {

ContainerView ContainerView::assemble(const std::vector<brig::Mount>& root,
                                      const std::vector<brig::Mount>& mounts,
                                      const std::filesystem::path& scratch, Owner) {
    const auto place = std::filesystem::canonical(scratch);
    Defer undo([&] { clear(place); });
    for (const auto& mount : root) mount_on(mount, place);
    Fd opened = open_file(place.string(), O_RDONLY | O_DIRECTORY);
    for (const auto& mount : mounts) mount_on(mount, mount_place(opened.get(), place, mount));
    undo.dismiss();
    return {std::move(opened), Fd(), place};
}

ContainerView::ContainerView(ContainerView&& other) noexcept
    : root_(std::move(other.root_)), mounted_at_(std::exchange(other.mounted_at_, {})) {}

ContainerView::~ContainerView() {
    root_.reset();
    if (!mounted_at_.empty()) clear(mounted_at_);
}

void ContainerView::clear(const std::filesystem::path& scratch) {
    try {
        unmount_beneath(scratch);
    } catch (const Error& error) {
        log::warn("{} stays mounted: {}", scratch.string(), error.message());
    }
}

}  // namespace brig::os
