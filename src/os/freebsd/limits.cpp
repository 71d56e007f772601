// Limits by rctl(8) rules on the jail's name and by its cpuset; processes by the jail they are in.
// rctl needs kern.racct.enable=1 from the boot loader; without it limits are refused, not ignored.
#include "os/limits.h"

#include <sys/param.h>
#include <sys/cpuset.h>
#include <sys/rctl.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <map>
#include <thread>

#include "base/error.h"
#include "base/strings.h"
#include "os/freebsd/jail.h"
#include "os/freebsd/limits_impl.h"

namespace brig::os {
namespace {

void add_rule(const std::string& jail, const std::string& resource, const std::string& action,
              std::uint64_t amount) {
    const auto rule = fmt::format("jail:{}:{}:{}={}", jail, resource, action, amount);
    if (::rctl_add_rule(rule.c_str(), rule.size() + 1, nullptr, 0) == 0) return;
    if (errno == ENOSYS) {
        throw Error(ErrorKind::failed_precondition,
                    "limits need resource accounting: put kern.racct.enable=1 in /boot/loader.conf "
                    "and reboot");
    }
    throw SysError("set the limit {}", rule);
}

void remove_rules(const std::string& filter) {
    if (::rctl_remove_rule(filter.c_str(), filter.size() + 1, nullptr, 0) != 0 && errno != ESRCH &&
        errno != ENOSYS) {
        throw SysError("remove the limits {}", filter);
    }
}

/// A value of -1 or 0 lifts the limit.
void set_limit(const std::string& jail, const std::string& resource, const std::string& action,
               std::int64_t amount) {
    if (amount > 0) return add_rule(jail, resource, action, static_cast<std::uint64_t>(amount));
    remove_rules(fmt::format("jail:{}:{}", jail, resource));
}

/// "0-2,4"
cpuset_t parse_cpus(const std::string& text) {
    cpuset_t set;
    CPU_ZERO(&set);
    for (const auto& part : split(text, ',')) {
        const auto [low, high] = split_once(part, '-');
        const auto first = parse_int<unsigned>(low);
        const auto last = high ? parse_int<unsigned>(*high) : first;
        if (!first || !last || *last < *first || *last >= CPU_SETSIZE) {
            throw Error(ErrorKind::invalid_argument, "invalid list of processors {:?}", text);
        }
        for (unsigned cpu = *first; cpu <= *last; ++cpu) CPU_SET(cpu, &set);
    }
    return set;
}

std::vector<kinfo_proc> all_processes() {
    std::array<int, 3> query{CTL_KERN, KERN_PROC, KERN_PROC_PROC};
    std::size_t size = 0;
    for (;;) {
        if (::sysctl(query.data(), query.size(), nullptr, &size, nullptr, 0) != 0)
            throw SysError("list processes");
        std::vector<kinfo_proc> table(size / sizeof(kinfo_proc) + 32);
        size = table.size() * sizeof(kinfo_proc);
        if (::sysctl(query.data(), query.size(), table.data(), &size, nullptr, 0) == 0) {
            table.resize(size / sizeof(kinfo_proc));
            return table;
        }
        if (errno != ENOMEM) throw SysError("list processes");
    }
}

std::vector<kinfo_proc> processes_in(const std::string& jail) {
    std::vector<kinfo_proc> inside;
    const auto number = find_jail(jail);
    if (!number) return inside;
    for (const auto& process : all_processes()) {
        if (process.ki_jid == *number && process.ki_stat != SZOMB) inside.push_back(process);
    }
    return inside;
}

/// The counters of rctl(8)'s "-u", by name.
std::map<std::string, std::uint64_t> read_counters(const std::string& jail) {
    const auto filter = fmt::format("jail:{}:", jail);
    std::string text(4096, '\0');
    if (::rctl_get_racct(filter.c_str(), filter.size() + 1, text.data(), text.size()) != 0)
        return {};
    std::map<std::string, std::uint64_t> counters;
    for (const auto& entry : split(text.c_str(), ',')) {
        const auto [name, value] = split_once(entry, '=');
        if (value) counters[name] = parse_int<std::uint64_t>(*value).value_or(0);
    }
    return counters;
}

/// What rctl(8) and cpuset(8) have no counterpart for is refused, not ignored. Zero is "as it is".
void check_supported(const Resources& r) {
    const auto refuse = [](bool wanted, std::string_view name) {
        if (!wanted) return;
        throw Error(ErrorKind::not_implemented, "resources: {} has no counterpart on FreeBSD",
                    name);
    };
    refuse(r.memory.reservation.value_or(0) > 0, "memory.reservation");
    refuse(r.memory.swappiness.value_or(0) != 0, "memory.swappiness");
    refuse(r.cpu.shares.value_or(0) != 0, "cpu.shares");
    refuse(!r.cpu.mems.empty(), "cpu.mems");
    refuse(r.block_io.weight.value_or(0) != 0, "blockIO.weight");
    refuse(r.memory.kernel.value_or(0) > 0, "memory.kernel");
    refuse(r.memory.kernel_tcp.value_or(0) > 0, "memory.kernelTCP");
    refuse(r.memory.disable_oom_killer.value_or(false), "memory.disableOOMKiller");
    refuse(r.cpu.realtime_runtime.value_or(0) != 0, "cpu.realtimeRuntime");
    refuse(r.cpu.realtime_period.value_or(0) != 0, "cpu.realtimePeriod");
    refuse(r.cpu.burst.value_or(0) != 0, "cpu.burst");
    refuse(r.cpu.idle.value_or(0) != 0, "cpu.idle");
    refuse(!r.block_io.weight_device.empty(), "blockIO.weightDevice");
    refuse(!r.hugepages.empty(), "hugepageLimits");
    refuse(r.network.class_id.value_or(0) != 0, "network.classID");
    refuse(!r.network.priorities.empty(), "network.priorities");
    refuse(!r.rdma.empty(), "rdma");
    refuse(!r.unified.empty(), "unified");
}

}  // namespace

void Limits::Impl::attach(int jail_number) const {
    if (cpus.empty()) return;
    const auto set = parse_cpus(cpus);
    if (::cpuset_setaffinity(CPU_LEVEL_WHICH, CPU_WHICH_JAIL, jail_number, sizeof set, &set) != 0) {
        throw SysError("bind jail {} to the processors {}", jail, cpus);
    }
}

Limits::Limits(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Limits::Limits(Limits&&) noexcept = default;
Limits& Limits::operator=(Limits&&) noexcept = default;
Limits::~Limits() = default;

Limits Limits::plan(const std::string& id, const std::string& path, const Resources& resources,
                    Keeper keeper) {
    if (keeper == Keeper::systemd)
        throw Error(ErrorKind::not_implemented, "--systemd-cgroup: FreeBSD has no systemd");
    check_supported(resources);
    return open(jail_name(id, path));
}

void Limits::make(const Resources& resources) {
    if (!processes().empty())
        throw Error(ErrorKind::conflict, "jail {} has processes already", handle());
    remove_rules("jail:" + handle());
    update(resources);
}

Limits Limits::create(const std::string& id, const std::string& path, const Resources& resources) {
    auto limits = plan(id, path, resources);
    limits.make(resources);
    return limits;
}

bool Limits::exists() const { return true; }

Limits Limits::open(const std::string& handle) {
    auto impl = std::make_unique<Impl>();
    impl->jail = handle;
    return Limits(std::move(impl));
}

std::string Limits::handle() const { return impl_->jail; }

void Limits::update(const Resources& resources) {
    check_supported(resources);
    const auto& jail = impl_->jail;
    // Denying resident memory makes the kernel page instead of refusing, so what grows past the
    // limit is killed, as on Linux.
    if (resources.memory.limit) set_limit(jail, "memoryuse", "sigkill", *resources.memory.limit);
    // The kernel counts what is reserved: all memory that is no file's, swapped out or not. So does
    // the OCI: "limit of memory+Swap usage".
    if (resources.memory.swap) set_limit(jail, "swapuse", "deny", *resources.memory.swap);
    // 0 is a limit too, but the first process is there already.
    if (const auto limit = resources.pids_limit)
        set_limit(jail, "maxproc", "deny", *limit == 0 ? 1 : *limit);
    if (resources.cpu.quota) {
        // Percent of one processor.
        const auto period = static_cast<std::int64_t>(resources.cpu.period.value_or(100'000));
        set_limit(jail, "pcpu", "deny", period > 0 ? *resources.cpu.quota * 100 / period : 0);
    }
    if (!resources.block_io.read_bps.empty())
        set_limit(jail, "readbps", "throttle",
                  static_cast<std::int64_t>(resources.block_io.read_bps.front().rate));
    if (!resources.block_io.write_bps.empty())
        set_limit(jail, "writebps", "throttle",
                  static_cast<std::int64_t>(resources.block_io.write_bps.front().rate));
    if (!resources.block_io.read_iops.empty())
        set_limit(jail, "readiops", "throttle",
                  static_cast<std::int64_t>(resources.block_io.read_iops.front().rate));
    if (!resources.block_io.write_iops.empty())
        set_limit(jail, "writeiops", "throttle",
                  static_cast<std::int64_t>(resources.block_io.write_iops.front().rate));
    if (resources.cpu.cpus.empty()) return;
    (void)parse_cpus(resources.cpu.cpus);
    impl_->cpus = resources.cpu.cpus;
    if (const auto number = find_jail(jail)) impl_->attach(*number);
}

void Limits::enter_below(const std::string& where) {
    throw Error(ErrorKind::not_implemented, "--cgroup {}: FreeBSD has no control groups", where);
}

std::vector<pid_t> Limits::processes() const {
    std::vector<pid_t> pids;
    for (const auto& process : processes_in(impl_->jail)) pids.push_back(process.ki_pid);
    return pids;
}

void Limits::signal_all(int signal) {
    for (const pid_t pid : processes()) {
        if (::kill(pid, signal) != 0 && errno != ESRCH) throw SysError("signal process {}", pid);
    }
}

/// There is no freezer: everything is stopped until nothing is found that is not, since a process
/// may fork meanwhile, and stops only when it comes out of the kernel.
void Limits::freeze() {
    using namespace std::chrono_literals;
    // As on Linux: all containers wait meanwhile.
    const auto deadline = std::chrono::steady_clock::now() + 2s;
    for (auto pause = 100us;; pause = std::min<std::chrono::microseconds>(pause * 2, 20ms)) {
        signal_all(SIGSTOP);
        if (frozen() || processes().empty()) return;
        if (std::chrono::steady_clock::now() > deadline) break;
        std::this_thread::sleep_for(pause);
    }
    thaw();
    throw Error(ErrorKind::unavailable, "processes of jail {} do not stop", impl_->jail);
}

void Limits::thaw() { signal_all(SIGCONT); }

bool Limits::frozen() const {
    const auto inside = processes_in(impl_->jail);
    return !inside.empty() && std::all_of(inside.begin(), inside.end(),
                                          [](const auto& p) { return p.ki_stat == SSTOP; });
}

Usage Limits::usage() const {
    Usage usage;
    auto counters = read_counters(impl_->jail);
    usage.cpu_total_ns = counters["cputime"] * 1'000'000'000U;
    usage.memory_usage = counters["memoryuse"];
    usage.swap_usage = counters["swapuse"];
    usage.pids = counters["maxproc"];
    const auto inside = processes_in(impl_->jail);
    if (counters.size() > 4) return usage;
    // Without accounting: what the process table says.
    usage.pids = inside.size();
    for (const auto& process : inside) {
        usage.memory_usage += static_cast<std::uint64_t>(process.ki_rssize) *
                              static_cast<std::uint64_t>(::getpagesize());
        usage.cpu_total_ns += process.ki_runtime * 1000U;
    }
    return usage;
}

/// The kernel does not count them by jail.
std::uint64_t Limits::oom_kills() const { return 0; }

void Limits::remove() {
    using namespace std::chrono_literals;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (auto pause = 100us; !processes().empty();
         pause = std::min<std::chrono::microseconds>(pause * 2, 20ms)) {
        signal_all(SIGKILL);
        if (std::chrono::steady_clock::now() > deadline) {
            throw Error(ErrorKind::conflict, "processes of jail {} do not end", impl_->jail);
        }
        std::this_thread::sleep_for(pause);
    }
    remove_rules("jail:" + impl_->jail);
}

}  // namespace brig::os
