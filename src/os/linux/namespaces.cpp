// See namespaces.h.
#include "os/linux/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/strings.h"
#include "os/linux/labels.h"

namespace brig::os {
namespace {

struct Kind {
    std::string_view name;
    std::uint64_t flag;
};
constexpr std::array kinds{Kind{"pid", CLONE_NEWPID},       Kind{"network", CLONE_NEWNET},
                           Kind{"ipc", CLONE_NEWIPC},       Kind{"uts", CLONE_NEWUTS},
                           Kind{"mount", CLONE_NEWNS},      Kind{"user", CLONE_NEWUSER},
                           Kind{"cgroup", CLONE_NEWCGROUP}, Kind{"time", CLONE_NEWTIME}};

std::uint64_t flag_of(std::string_view name) {
    const auto* found = std::ranges::find_if(kinds, [&](const Kind& k) { return k.name == name; });
    if (found != kinds.end()) return found->flag;
    throw Error(ErrorKind::invalid_argument, "namespaces: unknown type {:?}", name);
}

}  // namespace

bool NamespacePlan::has(std::uint64_t flag) const {
    if ((create & flag) != 0 || (flag == CLONE_NEWPID && !join_pid.empty()) ||
        (flag == CLONE_NEWUSER && !join_user.empty()))
        return true;
    return std::ranges::any_of(
        join, [&](const auto& j) { return static_cast<std::uint64_t>(j.first) == flag; });
}

bool NamespacePlan::has_new_user() const { return (create & CLONE_NEWUSER) != 0; }

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
            } else if (flag == CLONE_NEWTIME) {
                plan.new_time = true;
            } else {
                plan.create |= flag;
            }
        } else if (flag == CLONE_NEWPID) {
            plan.join_pid = ns.path;
        } else if (flag == CLONE_NEWUSER) {
            plan.join_user = ns.path;
        } else {
            plan.join.emplace_back(static_cast<int>(flag), ns.path);
        }
    }
    if ((seen & CLONE_NEWNS) == 0) {
        throw Error(ErrorKind::invalid_argument, "namespaces: a mount namespace is needed");
    }
    if (!settings.time_offsets.empty() && !plan.new_time) {
        throw Error(ErrorKind::invalid_argument, "timeOffsets: needs a new time namespace");
    }
    for (const auto& [clock, offset] : settings.time_offsets) {
        if (clock == "monotonic" || clock == "boottime") continue;
        throw Error(ErrorKind::invalid_argument,
                    "timeOffsets: {:?} is no clock of a namespace: want monotonic or boottime",
                    clock);
    }
    return plan;
}

namespace {

/// /proc/self of a process that forbids tracing belongs to the host's root, who is a stranger in a
/// new user namespace. Nobody else is in there yet who could make use of the moment.
Fd open_offsets(bool new_user) {
    if (new_user) ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    Fd file = open_in_procfs("self/timens_offsets", O_WRONLY);
    if (new_user && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) throw SysError("forbid tracing");
    return file;
}

}  // namespace

void enter_new_time_namespace(const std::map<std::string, TimeOffset>& offsets, bool new_user) {
    if (::unshare(CLONE_NEWTIME) != 0) throw SysError("make a time namespace");
    std::string text;
    for (const auto& [clock, offset] : offsets)
        text += fmt::format("{} {} {}\n", clock, offset.seconds, offset.nanoseconds);
    if (!text.empty()) {
        const Fd file = open_offsets(new_user);
        if (::write(file.get(), text.data(), text.size()) < 0) throw SysError("set timeOffsets");
    }
    // unshare(2) made it for children; this process enters it when its clocks are right.
    const Fd made = open_file("/proc/self/ns/time_for_children", O_RDONLY);
    if (::setns(made.get(), CLONE_NEWTIME) != 0) throw SysError("enter the time namespace");
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
