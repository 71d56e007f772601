// See mount_plan.h. The words are mount(8)'s and the runtime specification's ("Linux mount
// options").
#include "os/linux/mount_plan.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::os {
namespace {

struct Flag {
    std::string_view name;
    std::uint64_t set, clear;
};

constexpr std::uint64_t atime_mask = MOUNT_ATTR__ATIME;
constexpr std::array attribute_flags{
    Flag{"ro", MOUNT_ATTR_RDONLY, 0},
    Flag{"rw", 0, MOUNT_ATTR_RDONLY},
    Flag{"nosuid", MOUNT_ATTR_NOSUID, 0},
    Flag{"suid", 0, MOUNT_ATTR_NOSUID},
    Flag{"nodev", MOUNT_ATTR_NODEV, 0},
    Flag{"dev", 0, MOUNT_ATTR_NODEV},
    Flag{"noexec", MOUNT_ATTR_NOEXEC, 0},
    Flag{"exec", 0, MOUNT_ATTR_NOEXEC},
    Flag{"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    Flag{"diratime", 0, MOUNT_ATTR_NODIRATIME},
    Flag{"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    Flag{"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    Flag{"relatime", MOUNT_ATTR_RELATIME, atime_mask},
    Flag{"norelatime", MOUNT_ATTR_STRICTATIME, atime_mask},
    Flag{"noatime", MOUNT_ATTR_NOATIME, atime_mask},
    Flag{"atime", MOUNT_ATTR_RELATIME, atime_mask},
    Flag{"strictatime", MOUNT_ATTR_STRICTATIME, atime_mask},
    Flag{"nostrictatime", MOUNT_ATTR_RELATIME, atime_mask},
};

struct Propagation {
    std::string_view name;
    std::uint64_t flag;
};
constexpr std::array propagation_flags{
    Propagation{"private", MS_PRIVATE},       Propagation{"rprivate", MS_PRIVATE | MS_REC},
    Propagation{"slave", MS_SLAVE},           Propagation{"rslave", MS_SLAVE | MS_REC},
    Propagation{"shared", MS_SHARED},         Propagation{"rshared", MS_SHARED | MS_REC},
    Propagation{"unbindable", MS_UNBINDABLE}, Propagation{"runbindable", MS_UNBINDABLE | MS_REC},
};

constexpr std::array ignored{std::string_view{"defaults"},   std::string_view{"async"},
                             std::string_view{"loud"},       std::string_view{"nomand"},
                             std::string_view{"nolazytime"}, std::string_view{"noiversion"},
                             std::string_view{"acl"},        std::string_view{"silent"}};

// Words of mount(8) that mean the whole file system, not one mount of it: on a bind they would be
// ignored by the kernel, as they always were.
constexpr std::array file_system_words{std::string_view{"sync"}, std::string_view{"dirsync"},
                                       std::string_view{"lazytime"}, std::string_view{"mand"}};

void add(MountPlan::Attributes& to, const Flag& flag) {
    to.set = (to.set & ~flag.clear) | flag.set;
    to.clear = (to.clear & ~flag.set) | flag.clear;
    if ((flag.clear & atime_mask) != 0) to.clear |= atime_mask;
}

template <typename Table>
auto find_name(const Table& table, std::string_view name) {
    return std::ranges::find_if(table, [&](const auto& entry) { return entry.name == name; });
}

bool take_attribute(MountPlan& plan, std::string_view option) {
    if (const auto flag = find_name(attribute_flags, option); flag != attribute_flags.end()) {
        add(plan.top, *flag);
        return true;
    }
    if (!option.starts_with('r')) return false;
    const auto flag = find_name(attribute_flags, option.substr(1));
    if (flag == attribute_flags.end()) return false;
    add(plan.recursive, *flag);
    return true;
}

bool take_special(MountPlan& plan, std::string_view option) {
    if (option == "bind" || option == "rbind") {
        plan.bind = true;
        plan.recursive_bind = plan.recursive_bind || option == "rbind";
        return true;
    }
    if (option == "tmpcopyup") return plan.copy_up = true;
    if (option == "idmap" || option == "ridmap") {
        plan.recursive_idmap = option == "ridmap";
        return plan.idmap = true;
    }
    const auto propagation = find_name(propagation_flags, option);
    if (propagation == propagation_flags.end()) return false;
    plan.propagation.push_back(propagation->flag);
    return true;
}

/// Data for a file system ("mode=755") is of no use to a bind, and documents have some all the
/// same; a word may be a misspelt restriction.
void check_bind_options(const MountPlan& plan) {
    for (const auto& [name, value] : plan.parameters) {
        if (value) {
            log::warn("mount {}: the option {:?} has no effect on a bind mount", plan.target, name);
        } else if (std::ranges::find(file_system_words, name) == file_system_words.end()) {
            throw Error(ErrorKind::invalid_argument, "mount {}: a bind mount has no option {:?}",
                        plan.target, name);
        }
    }
}

}  // namespace

MountPlan plan_mount(const brig::Mount& mount) {
    MountPlan plan;
    plan.type = mount.type;
    plan.source = mount.source;
    // "destination": relative ones start at the root.
    plan.target = mount.target.starts_with('/') ? mount.target : "/" + mount.target;
    while (plan.target.size() > 1 && plan.target.ends_with('/')) plan.target.pop_back();
    plan.bind = mount.type == "bind" || mount.type == "rbind";
    plan.recursive_bind = mount.type == "rbind";
    for (const std::string& option : mount.options) {
        if (option.empty() || std::ranges::find(ignored, option) != ignored.end()) continue;
        if (take_special(plan, option) || take_attribute(plan, option)) continue;
        auto [name, value] = split_once(option, '=');
        plan.parameters.emplace_back(std::move(name), std::move(value));
    }
    if (plan.bind) check_bind_options(plan);
    // With mappings of its own, "idmap" need not be said.
    plan.idmap = plan.idmap || !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
    if (plan.copy_up && plan.type != "tmpfs") {
        throw Error(ErrorKind::invalid_argument, "mount {}: tmpcopyup needs type tmpfs",
                    plan.target);
    }
    if (plan.type.empty() && !plan.bind) {
        throw Error(ErrorKind::invalid_argument, "mount {}: want a type", plan.target);
    }
    return plan;
}

}  // namespace brig::os
