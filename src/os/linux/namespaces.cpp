// See namespaces.h.
#include "os/linux/namespaces.h"

#include <sched.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

struct Kind {
    std::string_view name;
    std::uint64_t flag;
};
constexpr std::array kinds{Kind{"pid", CLONE_NEWPID},      Kind{"network", CLONE_NEWNET},
                           Kind{"ipc", CLONE_NEWIPC},      Kind{"uts", CLONE_NEWUTS},
                           Kind{"mount", CLONE_NEWNS},     Kind{"user", CLONE_NEWUSER},
                           Kind{"cgroup", CLONE_NEWCGROUP}};

std::uint64_t flag_of(std::string_view name) {
    const auto* found = std::ranges::find_if(kinds, [&](const Kind& k) { return k.name == name; });
    if (found != kinds.end()) return found->flag;
    if (name == "time") {
        throw Error(ErrorKind::not_implemented, "namespaces: time is not implemented");
    }
    throw Error(ErrorKind::invalid_argument, "namespaces: unknown type {:?}", name);
}

}  // namespace

bool NamespacePlan::has(std::uint64_t flag) const {
    if ((create & flag) != 0 || (flag == CLONE_NEWPID && !join_pid.empty())) return true;
    return std::ranges::any_of(
        join, [&](const auto& j) { return static_cast<std::uint64_t>(j.first) == flag; });
}

NamespacePlan plan_namespaces(const LinuxSettings& settings) {
    NamespacePlan plan;
    std::uint64_t seen = 0;
    for (const Namespace& ns : settings.namespaces) {
        const std::uint64_t flag = flag_of(ns.type);
        if ((seen & flag) != 0) {
            throw Error(ErrorKind::invalid_argument, "namespaces: {} is given twice", ns.type);
        }
        seen |= flag;
        if (ns.path.empty()) {
            if (flag == CLONE_NEWCGROUP) {
                plan.new_cgroup = true;
            } else {
                plan.create |= flag;
            }
        } else if (flag == CLONE_NEWPID) {
            plan.join_pid = ns.path;
        } else if (flag == CLONE_NEWUSER || flag == CLONE_NEWNS) {
            throw Error(ErrorKind::not_implemented,
                        "namespaces: joining a {} namespace is not implemented", ns.type);
        } else {
            plan.join.emplace_back(static_cast<int>(flag), ns.path);
        }
    }
    if ((seen & CLONE_NEWNS) == 0) {
        throw Error(ErrorKind::invalid_argument, "namespaces: a mount namespace is needed");
    }
    return plan;
}

std::string own_namespaces(const LinuxSettings& settings) {
    std::vector<std::string> names;
    for (const Namespace& ns : settings.namespaces) names.push_back(ns.type);
    return join(names, ",");
}

std::uint64_t namespace_flags(std::string_view list) {
    std::uint64_t flags = 0;
    for (const std::string& name : split(list, ',')) flags |= flag_of(name);
    return flags;
}

}  // namespace brig::os
