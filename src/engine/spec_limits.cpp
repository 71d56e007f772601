// Limits of config.json.
#include <algorithm>
#include <array>
#include <limits>

#include "base/error.h"
#include "engine/spec_parts.h"
#include "os/sandbox.h"

namespace brig::engine {
namespace {

std::uint64_t limit_value(std::int64_t value) {
    return value < 0 ? std::numeric_limits<std::uint64_t>::max()
                     : static_cast<std::uint64_t>(value);
}

template <typename T>
std::optional<T> unless_zero(std::int64_t value) {
    return value == 0 ? std::nullopt : std::optional<T>(static_cast<T>(value));
}

}  // namespace

std::vector<oci::Rlimit> make_rlimits(const HostConfig& host,
                                      const std::vector<oci::Rlimit>& defaults) {
    constexpr std::array<std::string_view, 15> known{
        "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue", "nice",
        "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    std::vector<oci::Rlimit> out;
    for (const auto& limit : host.ulimits) {
        if (std::ranges::find(known, limit.name) == known.end()) {
            throw Error(ErrorKind::invalid_argument, "invalid ulimit type: {}", limit.name);
        }
        const auto soft = limit_value(limit.soft);
        const auto hard = limit_value(limit.hard);
        if (soft > hard) {
            throw Error(ErrorKind::invalid_argument,
                        "ulimit soft limit must be less than or equal to hard limit: {} > {}",
                        limit.soft, limit.hard);
        }
        std::string type = "RLIMIT_";
        for (const char c : limit.name) type += static_cast<char>(c - 'a' + 'A');
        out.push_back({std::move(type), hard, soft});
    }
    for (const auto& limit : defaults) {
        if (std::ranges::find(out, limit.type, &oci::Rlimit::type) == out.end())
            out.push_back(limit);
    }
    return out;
}

oci::Resources make_resources(const HostConfig& host) {
    oci::Resources out;
    out.memory.limit = unless_zero<std::int64_t>(host.memory);
    out.memory.reservation = unless_zero<std::int64_t>(host.memory_reservation);
    out.memory.swap = unless_zero<std::int64_t>(host.memory_swap);
    constexpr auto most = std::numeric_limits<std::int64_t>::max() / 2;
    // A jail's limit of swap is one of what may be reserved, used or not: never by itself.
    if (os::sandbox_kind() == os::SandboxKind::namespaces && host.memory > 0 &&
        host.memory < most && host.memory_swap == 0)
        out.memory.swap = host.memory * 2;
    if (host.memory_swappiness)
        out.memory.swappiness = static_cast<std::uint64_t>(*host.memory_swappiness);
    out.memory.disable_oom_killer = host.oom_kill_disable;
    out.cpu.shares = unless_zero<std::uint64_t>(host.cpu_shares);
    out.cpu.quota = unless_zero<std::int64_t>(host.cpu_quota);
    out.cpu.period = unless_zero<std::uint64_t>(host.cpu_period);
    if (host.nano_cpus > 0) {
        out.cpu.period = 100'000;  // microseconds
        out.cpu.quota = host.nano_cpus / 10'000;
    }
    out.cpu.cpus = host.cpuset_cpus;
    out.cpu.mems = host.cpuset_mems;
    out.pids_limit = host.pids_limit;
    return out;
}

void check_sysctl(const std::string& name, const Record& record) {
    constexpr std::array<std::string_view, 8> ipc{
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    const bool own_ipc =
        record.host.ipc_mode != "host" && !record.host.ipc_mode.starts_with("container:");
    const bool of_ipc = std::ranges::find(ipc, name) != ipc.end() || name.starts_with("fs.mqueue.");
    if (of_ipc && own_ipc) return;
    const bool own_network =
        record.network() != "host" && !record.network().starts_with("container:");
    if (name.starts_with("net.") && own_network) return;
    if (name == "kernel.domainname" && record.host.uts_mode != "host") return;
    throw Error(ErrorKind::invalid_argument, "sysctl \"{}\" is not in a separate kernel namespace",
                name);
}

}  // namespace brig::engine
