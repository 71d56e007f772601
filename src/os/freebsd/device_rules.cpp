// devfs(8) rulesets by ioctl. A ruleset in use, rather than rules applied once, also hides what
// appears in /dev later (other containers' terminals, new disks).
#include <fcntl.h>
#include <sys/param.h>
#include <sys/ioccom.h>
#include <sys/ioctl.h>
#include <sys/lock.h>
#include <sys/queue.h>
#include <fs/devfs/devfs.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/fd.h"
#include "os/freebsd/jail.h"

namespace brig::os {
namespace {

/// The stock rulesets are below 10; administrators' own are usually below 1000.
constexpr unsigned first_ruleset = 10000;
constexpr unsigned rulesets = 50000;

devfs_rsnum ruleset_of(int jail) {
    return static_cast<devfs_rsnum>(first_ruleset + static_cast<unsigned>(jail) % rulesets);
}

devfs_rule new_rule(devfs_rsnum ruleset, unsigned number, const std::string& pattern) {
    devfs_rule rule{};
    rule.dr_magic = DEVFS_MAGIC;
    rule.dr_id = (static_cast<devfs_rid>(ruleset) << 16U) | number;
    if (pattern.size() >= sizeof rule.dr_pathptrn) {
        throw Error(ErrorKind::invalid_argument, "device path {} is too long", pattern);
    }
    if (!pattern.empty()) {
        rule.dr_icond = DRC_PATHPTRN;
        std::memcpy(rule.dr_pathptrn, pattern.c_str(), pattern.size() + 1);
    }
    return rule;
}

void clear(int devfs, devfs_rsnum ruleset) {
    while (true) {
        devfs_rule rule{};
        rule.dr_magic = DEVFS_MAGIC;
        rule.dr_id = static_cast<devfs_rid>(ruleset) << 16U;
        // "The next rule after this number": none left is ENOENT.
        if (::ioctl(devfs, DEVFSIO_RGETNEXT, &rule) != 0) return;
        if ((rule.dr_id >> 16U) != ruleset) return;
        if (::ioctl(devfs, DEVFSIO_RDEL, &rule.dr_id) != 0)
            throw SysError("delete a rule of devfs ruleset {}", ruleset);
    }
}

}  // namespace

unsigned make_device_ruleset(int jail, const std::vector<JailDevice>& devices) {
    // What every container has: sinks, sources of randomness, its descriptors and terminals.
    constexpr const char* harmless[] = {"null", "zero", "full",  "random", "urandom",
                                        "fd",   "fd/*", "stdin", "stdout", "stderr",
                                        "ptmx", "pts",  "pts/*", "shm"};
    const Fd devfs = open_file("/dev", O_RDONLY | O_DIRECTORY);
    const auto ruleset = ruleset_of(jail);
    clear(devfs.get(), ruleset);
    unsigned number = 0;
    const auto add = [&](devfs_rule& rule) {
        if (::ioctl(devfs.get(), DEVFSIO_RADD, &rule) != 0)
            throw SysError("add to devfs ruleset {}", ruleset);
    };
    auto hide = new_rule(ruleset, ++number, "");
    hide.dr_iacts = DRA_BACTS;
    hide.dr_bacts = DRB_HIDE;
    add(hide);
    const auto show = [&](const JailDevice& device) {
        auto rule = new_rule(ruleset, ++number, device.path);
        rule.dr_iacts = DRA_BACTS;
        rule.dr_bacts = DRB_UNHIDE;
        if (device.mode) {
            rule.dr_iacts |= DRA_MODE;
            rule.dr_mode = static_cast<mode_t>(*device.mode);
        }
        add(rule);
    };
    for (const char* path : harmless) show({path, {}});
    for (const auto& device : devices) show(device);
    return ruleset;
}

void remove_device_ruleset(int jail) {
    clear(open_file("/dev", O_RDONLY | O_DIRECTORY).get(), ruleset_of(jail));
}

}  // namespace brig::os
