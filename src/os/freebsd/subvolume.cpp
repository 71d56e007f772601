// FreeBSD has no btrfs: the zfs driver does there what subvolumes do on Linux.
#include "os/subvolume.h"

#include "base/error.h"

namespace brig::os {
namespace {

[[noreturn]] void none() {
    throw Error(ErrorKind::not_implemented, "FreeBSD has no btrfs: use zfs, or copy");
}

}  // namespace

bool has_subvolumes(const std::string& /*directory*/) { return false; }
void make_subvolume(int /*directory*/, const std::string& /*name*/) { none(); }
void copy_subvolume(int /*source*/, int /*directory*/, const std::string& /*name*/) { none(); }
void limit_subvolume(int /*subvolume*/, std::uint64_t /*bytes*/) { none(); }
void remove_subvolume(int /*directory*/, const std::string& /*name*/) { none(); }

}  // namespace brig::os
