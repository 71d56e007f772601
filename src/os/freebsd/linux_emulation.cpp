// See linux_emulation.h.
#include "os/freebsd/linux_emulation.h"

#include <sys/param.h>
#include <sys/linker.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <cerrno>

#include "base/error.h"
#include "base/log.h"

namespace brig::os {
namespace {

constexpr int linux_brand = 3;  // ELFOSABI_LINUX

/// Static programs of some compilers say nowhere that they are Linux's. The setting is the whole
/// host's.
void brand_the_unbranded() {
    int brand = -1;
    std::size_t size = sizeof brand;
    const auto* const name = "kern.elf64.fallback_brand";
    if (::sysctlbyname(name, &brand, &size, nullptr, 0) != 0 || brand != -1) return;
    if (::sysctlbyname(name, nullptr, nullptr, &linux_brand, sizeof linux_brand) == 0)
        log::info("programs without a brand are Linux's from now on ({} was -1)", name);
}

}  // namespace

void enable_linux_emulation() {
    for (const auto* module : {"linux64", "linprocfs", "linsysfs", "tmpfs"}) {
        if (::kldload(module) < 0 && errno != EEXIST) {
            const SysError cause("load the kernel module {}", module);
            throw Error(ErrorKind::failed_precondition, "Linux programs cannot run here: {}",
                        cause.message());
        }
    }
    brand_the_unbranded();
}

}  // namespace brig::os
