// See scheduling.h. The words are config.md's ("process.scheduler" and what follows), the numbers
// the kernel's own headers'.
#include "os/linux/scheduling.h"

#include <linux/ioprio.h>
#include <linux/sched.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {
namespace {

struct Word {
    std::string_view name;
    std::uint64_t number;
};
constexpr std::array policies{Word{"SCHED_OTHER", SCHED_NORMAL},
                              Word{"SCHED_FIFO", SCHED_FIFO},
                              Word{"SCHED_RR", SCHED_RR},
                              Word{"SCHED_BATCH", SCHED_BATCH},
                              Word{"SCHED_ISO", 4},
                              Word{"SCHED_IDLE", SCHED_IDLE},
                              Word{"SCHED_DEADLINE", 6}};
constexpr std::array scheduler_flags{
    Word{"SCHED_FLAG_RESET_ON_FORK", 0x01},  Word{"SCHED_FLAG_RECLAIM", 0x02},
    Word{"SCHED_FLAG_DL_OVERRUN", 0x04},     Word{"SCHED_FLAG_KEEP_POLICY", 0x08},
    Word{"SCHED_FLAG_KEEP_PARAMS", 0x10},    Word{"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    Word{"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
};
constexpr std::array io_classes{Word{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
                                Word{"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
                                Word{"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE}};

template <typename Table>
std::uint64_t look_up(const Table& table, std::string_view setting, std::string_view name) {
    const auto found = std::ranges::find_if(table, [&](const Word& w) { return w.name == name; });
    if (found != table.end()) return found->number;
    throw Error(ErrorKind::invalid_argument, "process.{}: unknown value {:?}", setting, name);
}

/// "0-2,5"
std::optional<cpu_set_t> processors(std::string_view setting, const std::string& text) {
    if (text.empty()) return std::nullopt;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const std::string& part : split(text, ',')) {
        const auto [low, high] = split_once(trim(part), '-');
        const auto first = parse_int<unsigned>(low);
        const auto last = high ? parse_int<unsigned>(*high) : first;
        if (!first || !last || *last < *first || *last >= CPU_SETSIZE) {
            throw Error(ErrorKind::invalid_argument,
                        "process.execCPUAffinity.{}: {:?} is no list of processors", setting, text);
        }
        for (unsigned cpu = *first; cpu <= *last; ++cpu) CPU_SET(cpu, &set);
    }
    return set;
}

int io_priority_number(const IoPriority& wanted) {
    constexpr int levels = 8;
    const auto io_class = look_up(io_classes, "ioPriority.class", wanted.io_class);
    if (wanted.priority < 0 || wanted.priority >= levels) {
        throw Error(ErrorKind::invalid_argument, "process.ioPriority.priority: want 0 to 7, not {}",
                    wanted.priority);
    }
    return static_cast<int>(io_class << IOPRIO_CLASS_SHIFT) | wanted.priority;
}

/// sched_setattr(2)'s own structure, which libc has no header for.
struct SchedulerAttributes {
    std::uint32_t size = sizeof(SchedulerAttributes);
    std::uint32_t policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
};

void use_processors(const std::optional<cpu_set_t>& set, std::string_view when) {
    if (set && ::sched_setaffinity(0, sizeof *set, &*set) != 0)
        throw SysError("use the {} processors of execCPUAffinity", when);
}

}  // namespace

Scheduling::Scheduling(const ProcessSpec& process) : scheduler_(process.scheduler) {
    if (scheduler_) {
        policy_ = static_cast<unsigned>(look_up(policies, "scheduler.policy", scheduler_->policy));
        for (const std::string& flag : scheduler_->flags)
            flags_ |= look_up(scheduler_flags, "scheduler.flags", flag);
        if (scheduler_->priority < 0) {
            throw Error(ErrorKind::invalid_argument, "process.scheduler.priority: want 0 or more");
        }
    }
    if (process.io_priority) io_priority_ = io_priority_number(*process.io_priority);
    if (process.memory_policy) memory_policy_.emplace(*process.memory_policy);
    if (!process.exec_affinity) return;
    initial_ = processors("initial", process.exec_affinity->initial);
    final_ = processors("final", process.exec_affinity->final);
}

void Scheduling::apply() const {
    if (scheduler_) {
        SchedulerAttributes attributes;
        attributes.policy = policy_;
        attributes.flags = flags_;
        attributes.nice = scheduler_->nice;
        attributes.priority = static_cast<std::uint32_t>(scheduler_->priority);
        attributes.runtime = scheduler_->runtime;
        attributes.deadline = scheduler_->deadline;
        attributes.period = scheduler_->period;
        if (::syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
            throw SysError("set process.scheduler {}", scheduler_->policy);
    }
    if (io_priority_ && ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, *io_priority_) != 0)
        throw SysError("set process.ioPriority");
    if (memory_policy_) memory_policy_->apply();
}

void Scheduling::use_initial_processors() const { use_processors(initial_, "initial"); }

void Scheduling::use_final_processors() const {
    if (!initial_ && !final_) return use_all_processors();
    use_processors(final_, "final");
}

void Scheduling::use_all_processors() {
    cpu_set_t all;
    std::memset(&all, 0xff, sizeof all);
    // Not possible for some policies, which is no failure of the container's.
    ::sched_setaffinity(0, sizeof all, &all);
}

void set_personality(const std::string& domain) {
    if (domain.empty()) return;
    if (::personality(domain == "LINUX32" ? PER_LINUX32 : PER_LINUX) < 0)
        throw SysError("set the personality {}", domain);
}

}  // namespace brig::os
