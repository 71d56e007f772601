// See capabilities.h. By system call: libcap would be a library for three calls.
#include "os/linux/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "base/log.h"

namespace brig::os {
namespace {

// In the order of their numbers.
constexpr std::array names{std::string_view{"CHOWN"},
                           std::string_view{"DAC_OVERRIDE"},
                           std::string_view{"DAC_READ_SEARCH"},
                           std::string_view{"FOWNER"},
                           std::string_view{"FSETID"},
                           std::string_view{"KILL"},
                           std::string_view{"SETGID"},
                           std::string_view{"SETUID"},
                           std::string_view{"SETPCAP"},
                           std::string_view{"LINUX_IMMUTABLE"},
                           std::string_view{"NET_BIND_SERVICE"},
                           std::string_view{"NET_BROADCAST"},
                           std::string_view{"NET_ADMIN"},
                           std::string_view{"NET_RAW"},
                           std::string_view{"IPC_LOCK"},
                           std::string_view{"IPC_OWNER"},
                           std::string_view{"SYS_MODULE"},
                           std::string_view{"SYS_RAWIO"},
                           std::string_view{"SYS_CHROOT"},
                           std::string_view{"SYS_PTRACE"},
                           std::string_view{"SYS_PACCT"},
                           std::string_view{"SYS_ADMIN"},
                           std::string_view{"SYS_BOOT"},
                           std::string_view{"SYS_NICE"},
                           std::string_view{"SYS_RESOURCE"},
                           std::string_view{"SYS_TIME"},
                           std::string_view{"SYS_TTY_CONFIG"},
                           std::string_view{"MKNOD"},
                           std::string_view{"LEASE"},
                           std::string_view{"AUDIT_WRITE"},
                           std::string_view{"AUDIT_CONTROL"},
                           std::string_view{"SETFCAP"},
                           std::string_view{"MAC_OVERRIDE"},
                           std::string_view{"MAC_ADMIN"},
                           std::string_view{"SYSLOG"},
                           std::string_view{"WAKE_ALARM"},
                           std::string_view{"BLOCK_SUSPEND"},
                           std::string_view{"AUDIT_READ"},
                           std::string_view{"PERFMON"},
                           std::string_view{"BPF"},
                           std::string_view{"CHECKPOINT_RESTORE"}};

struct Sets {
    std::uint64_t effective, permitted, inheritable;
};

Sets current() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) throw SysError("read capabilities");
    const auto both = [](std::uint32_t low, std::uint32_t high) {
        return low | static_cast<std::uint64_t>(high) << 32U;
    };
    return {both(data[0].effective, data[1].effective), both(data[0].permitted, data[1].permitted),
            both(data[0].inheritable, data[1].inheritable)};
}

void store(const Sets& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    const auto split_up = [&](std::uint64_t set, auto member) {
        data[0].*member = static_cast<std::uint32_t>(set);
        data[1].*member = static_cast<std::uint32_t>(set >> 32U);
    };
    split_up(sets.effective, &__user_cap_data_struct::effective);
    split_up(sets.permitted, &__user_cap_data_struct::permitted);
    split_up(sets.inheritable, &__user_cap_data_struct::inheritable);
    if (::syscall(SYS_capset, &header, data.data()) != 0) throw SysError("set capabilities");
}

std::uint64_t mask_of(const std::vector<std::string>& list) {
    std::uint64_t mask = 0;
    for (const std::string& name : list) {
        const std::string_view bare =
            std::string_view(name).substr(name.starts_with("CAP_") ? 4 : 0);
        const auto found = std::ranges::find(names, bare);
        if (found == names.end()) {
            log::warn("the capability {:?} is not known and is not given", name);
            continue;
        }
        mask |= std::uint64_t{1} << static_cast<unsigned>(found - names.begin());
    }
    return mask;
}

void warn_of_lost_ambient(std::uint64_t lost, const CapabilityMasks& masks) {
    for (; lost != 0; lost &= lost - 1) {
        const auto number = static_cast<std::size_t>(std::countr_zero(lost));
        const bool inheritable = (masks.inheritable >> number & 1U) != 0;
        log::warn("can't raise ambient capability CAP_{}: it is not {}", names.at(number),
                  inheritable ? "permitted" : "inheritable");
    }
}

}  // namespace

CapabilityMasks capability_masks(const Capabilities& sets) {
    // What we do not have ourselves cannot be given: root in a container manager's container, as
    // in CI, would otherwise start nothing.
    const std::uint64_t ours = current().permitted;
    CapabilityMasks masks{mask_of(sets.bounding), mask_of(sets.effective),
                          mask_of(sets.inheritable), mask_of(sets.permitted),
                          mask_of(sets.ambient)};
    masks.permitted &= ours;
    masks.effective &= masks.permitted;
    masks.inheritable &= ours;
    const std::uint64_t possible = masks.permitted & masks.inheritable;
    warn_of_lost_ambient(masks.ambient & ours & ~possible, masks);
    masks.ambient &= possible;
    return masks;
}

void limit_bounding_set(std::uint64_t mask) {
    for (unsigned number = 0; number < 64; ++number) {
        if ((mask >> number & 1U) != 0) continue;
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) return;  // past the kernel's last
        throw SysError("drop capability {} from the bounding set", number);
    }
}

void raise_permitted() {
    Sets sets = current();
    sets.effective = sets.permitted;
    store(sets);
}

void make_effective(std::uint64_t mask) {
    Sets sets = current();
    sets.effective = sets.permitted & mask;
    store(sets);
}

void set_capabilities(const CapabilityMasks& masks) {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    store({masks.effective, masks.permitted, masks.inheritable});
    for (std::uint64_t left = masks.ambient; left != 0; left &= left - 1) {
        const auto number = static_cast<unsigned>(std::countr_zero(left));
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
            throw SysError("raise ambient capability {}", number);
        }
    }
}

}  // namespace brig::os
