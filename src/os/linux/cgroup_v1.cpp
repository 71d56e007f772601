// See cgroup_v1.h.
#include "os/linux/cgroup_v1.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/linux/cgroup_files.h"
#include "os/linux/cgroup_v2.h"

namespace brig::os {
namespace {

const std::string& hierarchy_of(std::string_view controller) {
    const auto& v1 = cgroup_layout().v1;
    const auto found = v1.find(controller);
    if (found == v1.end()) {
        throw Error(ErrorKind::failed_precondition, "this host has no control group for {} limits",
                    controller);
    }
    return found->second;
}

std::string directory_of(std::string_view controller, const std::string& path) {
    return v1_directory(hierarchy_of(controller), path);
}

/// Empty for a hierarchy that the group has no part in.
std::string joined_directory(std::string_view controller, const std::set<std::string>& hierarchies,
                             const std::string& path) {
    const auto found = cgroup_layout().v1.find(controller);
    if (found == cgroup_layout().v1.end() || !hierarchies.contains(found->second)) return {};
    return v1_directory(found->second, path);
}

/// A new cpuset group can hold nothing until it has processors and memory nodes.
void inherit_cpuset(const std::string& parent, const std::string& child) {
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        if (!trim(read_control(child, file)).empty()) continue;
        write_control(child, file, trim(read_control(parent, file)));
    }
}

void apply_memory(const std::string& path, const MemoryResources& memory) {
    const std::string directory = directory_of("memory", path);
    const auto write_limit = [&] {
        if (memory.limit && *memory.limit != 0) {
            write_control(directory, "memory.limit_in_bytes", std::to_string(*memory.limit));
        }
    };
    const auto write_swap = [&] {
        if (!memory.swap || *memory.swap == 0) return;
        if (!try_write_control(directory, "memory.memsw.limit_in_bytes",
                               std::to_string(*memory.swap))) {
            log::warn("swap is not limited: the kernel does not account it");
        }
    };
    // The sum may never be below the memory: which one goes first depends on the direction.
    const auto old_sum = read_number(directory, "memory.memsw.limit_in_bytes");
    const bool raise = memory.limit && old_sum &&
                       (*memory.limit < 0 || static_cast<std::uint64_t>(*memory.limit) > *old_sum);
    if (raise) {
        write_swap();
        write_limit();
    } else {
        write_limit();
        write_swap();
    }
    if (memory.reservation && *memory.reservation != 0) {
        write_control(directory, "memory.soft_limit_in_bytes", std::to_string(*memory.reservation));
    }
    if (memory.kernel_tcp.value_or(0) > 0)
        write_control(directory, "memory.kmem.tcp.limit_in_bytes",
                      std::to_string(*memory.kernel_tcp));
    if (memory.swappiness)
        write_control(directory, "memory.swappiness", std::to_string(*memory.swappiness));
    if (memory.disable_oom_killer.value_or(false))
        write_control(directory, "memory.oom_control", "1");
}

/// Time per period. Which of the two goes first depends on what there is and on what a group above
/// allows: at no moment may there be more time than that, or more than the period.
void apply_bandwidth(const std::string& directory, std::array<const char*, 2> files,
                     std::optional<std::uint64_t> period, std::optional<std::int64_t> time) {
    const auto write = [&](const char* file, const auto& value) {
        if (value && *value != 0) write_control(directory, file, std::to_string(*value));
    };
    try {
        write(files[0], period);
    } catch (const SysError& e) {
        if (e.error_number() != EINVAL || time.value_or(0) == 0) throw;
        write(files[1], time);
        write(files[0], period);
        return;
    }
    write(files[1], time);
}

void apply_cpu(const std::string& path, const CpuResources& cpu) {
    const std::string directory = directory_of("cpu", path);
    const auto write = [&](const char* file, const auto& value) {
        if (value && *value != 0) write_control(directory, file, std::to_string(*value));
    };
    write("cpu.shares", cpu.shares);
    apply_bandwidth(directory, {"cpu.cfs_period_us", "cpu.cfs_quota_us"}, cpu.period, cpu.quota);
    if (cpu.burst) write_control(directory, "cpu.cfs_burst_us", std::to_string(*cpu.burst));
    apply_bandwidth(directory, {"cpu.rt_period_us", "cpu.rt_runtime_us"}, cpu.realtime_period,
                    cpu.realtime_runtime);
    if (cpu.idle) write_control(directory, "cpu.idle", std::to_string(*cpu.idle));
}

void apply_block_io(const std::string& path, const BlockIoResources& block) {
    const std::string directory = directory_of("blkio", path);
    if (block.weight && *block.weight != 0 &&
        !try_write_control(directory, "blkio.bfq.weight", std::to_string(*block.weight))) {
        write_control(directory, "blkio.weight", std::to_string(*block.weight));
    }
    for (const BlockWeight& device : block.weight_device) {
        if (!device.weight || *device.weight == 0) continue;
        const auto value = fmt::format("{}:{} {}", device.major, device.minor, *device.weight);
        if (!try_write_control(directory, "blkio.bfq.weight_device", value))
            write_control(directory, "blkio.weight_device", value);
    }
    const auto throttle = [&](const std::vector<BlockThrottle>& devices, std::string_view file) {
        for (const BlockThrottle& t : devices) {
            write_control(directory, file, fmt::format("{}:{} {}", t.major, t.minor, t.rate));
        }
    };
    throttle(block.read_bps, "blkio.throttle.read_bps_device");
    throttle(block.write_bps, "blkio.throttle.write_bps_device");
    throttle(block.read_iops, "blkio.throttle.read_iops_device");
    throttle(block.write_iops, "blkio.throttle.write_iops_device");
}

bool wants_memory(const MemoryResources& m) {
    return m.limit.value_or(0) != 0 || m.reservation.value_or(0) != 0 || m.swap.value_or(0) != 0 ||
           m.kernel_tcp.value_or(0) > 0 || m.swappiness || m.disable_oom_killer.value_or(false);
}

bool wants_cpu(const CpuResources& c) {
    return c.shares.value_or(0) != 0 || c.quota.value_or(0) != 0 || c.period.value_or(0) != 0 ||
           c.burst || c.realtime_period || c.realtime_runtime || c.idle;
}

bool wants_cpuset(const CpuResources& c) { return !c.cpus.empty() || !c.mems.empty(); }

/// "No limit" needs a group as well, where there is one to be had: it may be looked at.
bool wants_pids(const Resources& r) {
    return r.pids_limit && (*r.pids_limit >= 0 || cgroup_layout().has_v1("pids"));
}

bool wants_block_io(const BlockIoResources& b) {
    return b.weight.value_or(0) != 0 || !b.weight_device.empty() || !b.read_bps.empty() ||
           !b.write_bps.empty() || !b.read_iops.empty() || !b.write_iops.empty();
}

void read_block_io(const std::string& directory, Usage& usage) {
    // "8:0 Read 4096"
    std::map<std::pair<std::uint64_t, std::uint64_t>, Usage::BlockIo> devices;
    const auto read = [&](const char* file, auto read_member, auto write_member) {
        for (const std::string& line : split(read_control(directory, file), '\n')) {
            const auto fields = split(line, ' ');
            if (fields.size() != 3) continue;
            const auto [major, minor] = split_once(fields[0], ':');
            const auto number = std::pair{parse_int<std::uint64_t>(major).value_or(0),
                                          parse_int<std::uint64_t>(minor.value_or("")).value_or(0)};
            Usage::BlockIo& io = devices[number];
            io.major = number.first;
            io.minor = number.second;
            const auto value = parse_int<std::uint64_t>(fields[2]).value_or(0);
            if (fields[1] == "Read") io.*read_member = value;
            if (fields[1] == "Write") io.*write_member = value;
        }
    };
    read("blkio.throttle.io_service_bytes", &Usage::BlockIo::read_bytes,
         &Usage::BlockIo::write_bytes);
    read("blkio.throttle.io_serviced", &Usage::BlockIo::reads, &Usage::BlockIo::writes);
    for (const auto& [number, io] : devices) usage.block_io.push_back(io);
}

}  // namespace

std::set<std::string> needed_hierarchies(const Resources& resources, bool track) {
    std::set<std::string> out;
    const auto need = [&](std::string_view controller) { out.insert(hierarchy_of(controller)); };
    if (wants_memory(resources.memory)) need("memory");
    if (wants_cpu(resources.cpu)) need("cpu");
    if (wants_cpuset(resources.cpu)) need("cpuset");
    if (wants_pids(resources)) need("pids");
    if (wants_block_io(resources.block_io)) need("blkio");
    if (!resources.hugepages.empty()) need("hugetlb");
    if (!resources.rdma.empty()) need("rdma");
    if (resources.network.class_id.value_or(0) != 0) need("net_cls");
    if (!resources.network.priorities.empty()) need("net_prio");
    if (!track) return out;
    need("freezer");
    if (!resources.devices.empty()) need("devices");
    for (const char* counter : {"cpuacct", "memory", "pids"}) {
        if (cgroup_layout().has_v1(counter)) need(counter);
    }
    return out;
}

std::string v1_directory(const std::string& hierarchy, const std::string& path) {
    return fmt::format("{}/{}{}", CgroupLayout::top, hierarchy, path);
}

void make_group_v1(const std::string& hierarchy, const std::string& path) {
    std::string directory = v1_directory(hierarchy, "");
    for (const std::string& part : split(path.substr(1), '/')) {
        const std::string parent = directory;
        directory += "/" + part;
        if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST)
            throw SysError("create {}", directory);
        if (split_once(hierarchy, ',').first == "cpuset") inherit_cpuset(parent, directory);
    }
}

void apply_v1(const std::string& path, const Resources& resources) {
    if (wants_memory(resources.memory)) apply_memory(path, resources.memory);
    if (wants_cpu(resources.cpu)) apply_cpu(path, resources.cpu);
    if (wants_cpuset(resources.cpu)) {
        const std::string directory = directory_of("cpuset", path);
        if (!resources.cpu.cpus.empty())
            write_control(directory, "cpuset.cpus", resources.cpu.cpus);
        if (!resources.cpu.mems.empty())
            write_control(directory, "cpuset.mems", resources.cpu.mems);
    }
    if (wants_block_io(resources.block_io)) apply_block_io(path, resources.block_io);
    if (wants_pids(resources))
        write_control(directory_of("pids", path), "pids.max", pids_max(*resources.pids_limit));
    if (!resources.rdma.empty()) apply_rdma(directory_of("rdma", path), resources.rdma);
    if (resources.network.class_id.value_or(0) != 0) {
        write_control(directory_of("net_cls", path), "net_cls.classid",
                      std::to_string(*resources.network.class_id));
    }
    for (const auto& [interface, priority] : resources.network.priorities) {
        write_control(directory_of("net_prio", path), "net_prio.ifpriomap",
                      fmt::format("{} {}", interface, priority));
    }
    for (const HugepageLimit& huge : resources.hugepages) {
        write_control(directory_of("hugetlb", path),
                      fmt::format("hugetlb.{}.limit_in_bytes", huge.page_size),
                      std::to_string(huge.limit));
    }
}

std::uint64_t oom_kills_v1(const std::set<std::string>& hierarchies, const std::string& path) {
    const std::string memory = joined_directory("memory", hierarchies, path);
    return memory.empty() ? 0 : read_table(memory, "memory.oom_control")["oom_kill"];
}

void read_usage_v1(const std::set<std::string>& hierarchies, const std::string& path,
                   Usage& usage) {
    const auto directory = [&](std::string_view controller) {
        return joined_directory(controller, hierarchies, path);
    };
    if (const std::string memory = directory("memory"); !memory.empty()) {
        usage.memory_usage = read_number(memory, "memory.usage_in_bytes").value_or(0);
        usage.memory_max_usage = read_number(memory, "memory.max_usage_in_bytes").value_or(0);
        const auto limit = read_number(memory, "memory.limit_in_bytes");
        constexpr std::uint64_t unlimited = 1ULL << 60U;
        if (limit && *limit < unlimited) usage.memory_limit = limit;
        usage.memory_detail = read_table(memory, "memory.stat");
        usage.memory_inactive_file = usage.memory_detail["total_inactive_file"];
        usage.oom_kills = oom_kills_v1(hierarchies, path);
    }
    if (const std::string cpu = directory("cpuacct"); !cpu.empty()) {
        usage.cpu_total_ns = read_number(cpu, "cpuacct.usage").value_or(0);
        usage.cpu_user_ns = read_number(cpu, "cpuacct.usage_user").value_or(0);
        usage.cpu_system_ns = read_number(cpu, "cpuacct.usage_sys").value_or(0);
    }
    if (const std::string cpu = directory("cpu"); !cpu.empty()) {
        auto table = read_table(cpu, "cpu.stat");
        usage.cpu_periods = table["nr_periods"];
        usage.cpu_throttled_periods = table["nr_throttled"];
        usage.cpu_throttled_ns = table["throttled_time"];
    }
    if (const std::string pids = directory("pids"); !pids.empty()) {
        usage.pids = read_number(pids, "pids.current").value_or(0);
        usage.pids_limit = read_number(pids, "pids.max");
    }
    if (const std::string block = directory("blkio"); !block.empty()) read_block_io(block, usage);
}

}  // namespace brig::os
