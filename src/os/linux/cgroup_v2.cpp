// See cgroup_v2.h. Conversions from the OCI's version 1 numbers are the specification's own
// (config-linux.md, "Control groups").
#include "os/linux/cgroup_v2.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/linux/cgroup_files.h"

namespace brig::os {
namespace {

std::string or_max(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

/// "cpuset cpu io memory pids" → "+cpuset +cpu …" for the groups below.
void enable_controllers(const std::string& directory) {
    const std::string available(trim(read_control(directory, "cgroup.controllers")));
    if (available.empty()) return;
    const std::string enabled(trim(read_control(directory, "cgroup.subtree_control")));
    const auto have = split(enabled, ' ');
    for (const std::string& controller : split(available, ' ')) {
        if (std::ranges::find(have, controller) != have.end()) continue;
        try {
            write_control(directory, "cgroup.subtree_control", "+" + controller);
        } catch (const SysError& e) {
            // Processes in this group, or a controller that cannot be shared: limits that need it
            // will say so.
            if (e.error_number() != EBUSY && e.error_number() != EOPNOTSUPP &&
                e.error_number() != EINVAL)
                throw;
        }
    }
}

void apply_memory(const std::string& directory, const MemoryResources& memory) {
    // OCI: swap is the sum of both; here it is counted apart.
    if (memory.swap && *memory.swap != 0) {
        std::int64_t swap = *memory.swap;
        if (swap > 0) {
            if (!memory.limit || *memory.limit <= 0 || swap < *memory.limit) {
                throw Error(ErrorKind::invalid_argument, "memory: swap {} needs a smaller limit",
                            swap);
            }
            swap -= *memory.limit;
        }
        if (!try_write_control(directory, "memory.swap.max", or_max(swap)))
            log::warn("memory.swap is not limited: this kernel does not count swap");
    }
    if (memory.limit && *memory.limit != 0)
        write_control(directory, "memory.max", or_max(*memory.limit));
    if (memory.reservation && *memory.reservation != 0) {
        write_control(directory, "memory.low", or_max(*memory.reservation));
    }
}

/// What only version 1 can do. Zeros and the words for "as it is anyway" are common and harmless.
void refuse_version_1_limits(const Resources& r) {
    const auto refuse = [](bool wanted, std::string_view name) {
        if (!wanted) return;
        throw Error(ErrorKind::failed_precondition,
                    "resources: {} is not possible with version 2 of control groups", name);
    };
    refuse(r.memory.disable_oom_killer.value_or(false), "memory.disableOOMKiller");
    refuse(r.memory.swappiness.has_value(), "memory.swappiness");
    refuse(r.cpu.realtime_runtime.value_or(0) != 0, "cpu.realtimeRuntime");
    refuse(r.cpu.realtime_period.value_or(0) != 0, "cpu.realtimePeriod");
    refuse(r.network.class_id.value_or(0) != 0, "network.classID");
    refuse(!r.network.priorities.empty(), "network.priorities");
}

void apply_cpu(const std::string& directory, const CpuResources& cpu) {
    if (cpu.idle) write_control(directory, "cpu.idle", std::to_string(*cpu.idle));
    if (cpu.shares && *cpu.shares != 0) {
        const std::uint64_t shares = std::clamp<std::uint64_t>(*cpu.shares, 2, 262144);
        write_control(directory, "cpu.weight", std::to_string(1 + (shares - 2) * 9999 / 262142));
    }
    if (cpu.burst) write_control(directory, "cpu.max.burst", std::to_string(*cpu.burst));
    if (cpu.quota || cpu.period) {
        const std::uint64_t period = cpu.period.value_or(0) != 0 ? *cpu.period : 100000;
        const std::int64_t quota = cpu.quota.value_or(-1);
        write_control(directory, "cpu.max",
                      fmt::format("{} {}", quota > 0 ? std::to_string(quota) : "max", period));
    }
    if (!cpu.cpus.empty()) write_control(directory, "cpuset.cpus", cpu.cpus);
    if (!cpu.mems.empty()) write_control(directory, "cpuset.mems", cpu.mems);
}

void apply_block_io(const std::string& directory, const BlockIoResources& block) {
    const auto scaled = [](unsigned weight) {
        return 1 + (std::clamp(weight, 10U, 1000U) - 10) * 9999 / 990;
    };
    if (block.weight && *block.weight != 0) {
        if (!try_write_control(directory, "io.bfq.weight", std::to_string(*block.weight))) {
            write_control(directory, "io.weight", fmt::format("default {}", scaled(*block.weight)));
        }
    }
    for (const BlockWeight& device : block.weight_device) {
        if (!device.weight || *device.weight == 0) continue;
        const std::string prefix = fmt::format("{}:{} ", device.major, device.minor);
        if (!try_write_control(directory, "io.bfq.weight",
                               prefix + std::to_string(*device.weight))) {
            write_control(directory, "io.weight", prefix + std::to_string(scaled(*device.weight)));
        }
    }
    const auto throttle = [&](const std::vector<BlockThrottle>& devices, std::string_view key) {
        for (const BlockThrottle& t : devices) {
            write_control(directory, "io.max",
                          fmt::format("{}:{} {}={}", t.major, t.minor, key,
                                      t.rate == 0 ? "max" : std::to_string(t.rate)));
        }
    };
    throttle(block.read_bps, "rbps");
    throttle(block.write_bps, "wbps");
    throttle(block.read_iops, "riops");
    throttle(block.write_iops, "wiops");
}

std::uint64_t get(const std::map<std::string, std::uint64_t>& table, const char* key) {
    const auto found = table.find(key);
    return found == table.end() ? 0 : found->second;
}

void read_io(const std::string& directory, Usage& usage) {
    // "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …"
    for (const std::string& line : split(read_control(directory, "io.stat"), '\n')) {
        const auto fields = split(line, ' ');
        const auto [major, minor] = split_once(fields[0], ':');
        Usage::BlockIo io;
        io.major = parse_int<std::uint64_t>(major).value_or(0);
        io.minor = parse_int<std::uint64_t>(minor.value_or("")).value_or(0);
        if (fields.size() < 2) continue;
        for (const std::string& field : fields) {
            const auto [key, text] = split_once(field, '=');
            const auto value = parse_int<std::uint64_t>(text.value_or("")).value_or(0);
            if (key == "rbytes") io.read_bytes = value;
            if (key == "wbytes") io.write_bytes = value;
            if (key == "rios") io.reads = value;
            if (key == "wios") io.writes = value;
        }
        usage.block_io.push_back(io);
    }
}

}  // namespace

bool make_group_v2(const std::string& mount, const std::string& path, bool controllers) {
    const std::string full = mount + path;
    if (::mkdir(full.c_str(), 0755) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno != ENOENT) throw SysError("create {}", full);
    // The ways down are made once per boot.
    std::string parent = mount;
    bool made = false;
    for (const std::string& part : split(path.substr(1), '/')) {
        if (controllers) enable_controllers(parent);
        parent += "/" + part;
        made = ::mkdir(parent.c_str(), 0755) == 0;
        if (!made && errno != EEXIST) throw SysError("create {}", parent);
    }
    return made;
}

std::string pids_max(std::int64_t limit) { return or_max(limit == 0 ? 1 : limit); }

void apply_v2(const std::string& directory, const Resources& resources) {
    refuse_version_1_limits(resources);
    apply_memory(directory, resources.memory);
    apply_cpu(directory, resources.cpu);
    apply_block_io(directory, resources.block_io);
    if (resources.pids_limit) write_control(directory, "pids.max", pids_max(*resources.pids_limit));
    for (const HugepageLimit& huge : resources.hugepages) {
        const std::string prefix = "hugetlb." + huge.page_size;
        write_control(directory, prefix + ".max", std::to_string(huge.limit));
        // Pages are counted when they are used, and, where the kernel can, when they are reserved.
        try_write_control(directory, prefix + ".rsvd.max", std::to_string(huge.limit));
    }
    apply_rdma(directory, resources.rdma);
    apply_unified(directory, resources.unified);
}

void apply_unified(const std::string& directory, const std::map<std::string, std::string>& files) {
    if (!files.empty() && directory.empty()) {
        throw Error(ErrorKind::failed_precondition,
                    "invalid configuration: resources.unified needs version 2 of control "
                    "groups");
    }
    for (const auto& [file, value] : files) {
        if (file.find('/') != std::string::npos) {
            throw Error(ErrorKind::invalid_argument, "resources.unified: {:?} is not a file name",
                        file);
        }
        if (try_write_control(directory, file, value)) continue;
        throw Error(ErrorKind::failed_precondition,
                    "invalid configuration: resources.unified: {} has no file {}", directory, file);
    }
}

void apply_rdma(const std::string& directory, const std::map<std::string, RdmaLimit>& limits) {
    const auto text = [](const std::optional<std::uint32_t>& limit) {
        return limit ? std::to_string(*limit) : std::string("max");
    };
    for (const auto& [device, limit] : limits) {
        write_control(directory, "rdma.max",
                      fmt::format("{} hca_handle={} hca_object={}", device, text(limit.handles),
                                  text(limit.objects)));
    }
}

std::uint64_t oom_kills_v2(const std::string& directory) {
    return get(read_table(directory, "memory.events"), "oom_kill");
}

void read_usage_v2(const std::string& directory, Usage& usage) {
    const auto cpu = read_table(directory, "cpu.stat");
    constexpr std::uint64_t per_microsecond = 1000;
    usage.cpu_total_ns = get(cpu, "usage_usec") * per_microsecond;
    usage.cpu_user_ns = get(cpu, "user_usec") * per_microsecond;
    usage.cpu_system_ns = get(cpu, "system_usec") * per_microsecond;
    usage.cpu_periods = get(cpu, "nr_periods");
    usage.cpu_throttled_periods = get(cpu, "nr_throttled");
    usage.cpu_throttled_ns = get(cpu, "throttled_usec") * per_microsecond;
    if (const auto memory = read_number(directory, "memory.current")) {
        usage.memory_usage = *memory;
        usage.memory_max_usage = read_number(directory, "memory.peak").value_or(0);
        usage.memory_limit = read_number(directory, "memory.max");
        usage.swap_usage = read_number(directory, "memory.swap.current").value_or(0);
        usage.memory_detail = read_table(directory, "memory.stat");
        usage.memory_inactive_file = get(usage.memory_detail, "inactive_file");
        usage.oom_kills = oom_kills_v2(directory);
    }
    if (const auto pids = read_number(directory, "pids.current")) {
        usage.pids = *pids;
        usage.pids_limit = read_number(directory, "pids.max");
    }
    read_io(directory, usage);
}

}  // namespace brig::os
