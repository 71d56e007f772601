// Limits on a container as data, in the OCI runtime specification's shape.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace brig::os {

struct DeviceRule {
    bool allow = false;
    std::string type = "a";                    ///< "a", "b" or "c"
    std::optional<std::int64_t> major, minor;  ///< absent or -1: any
    std::string access;                        ///< subset of "rwm"

    bool operator==(const DeviceRule&) const = default;
};

struct MemoryResources {
    std::optional<std::int64_t> limit, reservation, swap, kernel;  ///< bytes; -1: no limit
    std::optional<std::uint64_t> swappiness;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<bool> disable_oom_killer, use_hierarchy;
    bool check_before_update = false;  ///< refuse a limit below what is in use

    bool operator==(const MemoryResources&) const = default;
};

struct CpuResources {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> period;
    std::optional<std::uint64_t> burst;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus, mems;
    std::optional<std::int64_t> idle;

    bool operator==(const CpuResources&) const = default;
};

struct BlockThrottle {
    std::int64_t major = 0, minor = 0;
    std::uint64_t rate = 0;

    bool operator==(const BlockThrottle&) const = default;
};

struct BlockWeight {
    std::int64_t major = 0, minor = 0;
    std::optional<std::uint16_t> weight, leaf_weight;

    bool operator==(const BlockWeight&) const = default;
};

struct BlockIoResources {
    std::optional<std::uint16_t> weight, leaf_weight;
    std::vector<BlockWeight> weight_device;
    std::vector<BlockThrottle> read_bps, write_bps, read_iops, write_iops;

    bool operator==(const BlockIoResources&) const = default;
};

struct HugepageLimit {
    std::string page_size;  ///< "2MB"
    std::uint64_t limit = 0;

    bool operator==(const HugepageLimit&) const = default;
};

struct RdmaLimit {
    std::optional<std::uint32_t> handles, objects;

    bool operator==(const RdmaLimit&) const = default;
};

/// Tags of a container's packets; version 1 of control groups only.
struct NetworkResources {
    std::optional<std::uint32_t> class_id;
    std::map<std::string, std::uint32_t> priorities;  ///< interface → priority

    bool operator==(const NetworkResources&) const = default;
};

struct Resources {
    std::vector<DeviceRule> devices;
    MemoryResources memory;
    CpuResources cpu;
    std::optional<std::int64_t> pids_limit;  ///< < 0: no limit; 0 is as 1
    BlockIoResources block_io;
    std::vector<HugepageLimit> hugepages;
    NetworkResources network;
    std::map<std::string, RdmaLimit> rdma;       ///< device → limit
    std::map<std::string, std::string> unified;  ///< cgroup v2 file → value

    bool operator==(const Resources&) const = default;
};

/// Counters since the start of the container; absent where the kernel does not say.
struct Usage {
    std::uint64_t cpu_total_ns = 0, cpu_user_ns = 0, cpu_system_ns = 0;
    std::uint64_t cpu_periods = 0, cpu_throttled_periods = 0, cpu_throttled_ns = 0;
    std::uint64_t memory_usage = 0, memory_max_usage = 0;
    std::uint64_t memory_inactive_file = 0;
    std::optional<std::uint64_t> memory_limit;
    std::uint64_t swap_usage = 0;
    std::uint64_t oom_kills = 0;
    std::uint64_t pids = 0;
    std::optional<std::uint64_t> pids_limit;
    struct BlockIo {
        std::uint64_t major = 0, minor = 0;
        std::uint64_t read_bytes = 0, write_bytes = 0, reads = 0, writes = 0;
    };
    std::vector<BlockIo> block_io;
    std::map<std::string, std::uint64_t> memory_detail;  ///< memory.stat as the kernel has it
};

}  // namespace brig::os
