// See stats_json.h.
#include "runtime/cli/stats_json.h"

namespace brig::runtime {
namespace {

using nlohmann::ordered_json;

ordered_json cpu(const Stats& stats) {
    return {{"usage",
             {{"total", stats.cpu_total_ns},
              {"kernel", stats.cpu_system_ns},
              {"user", stats.cpu_user_ns}}},
            {"throttling",
             {{"periods", stats.cpu_periods},
              {"throttledPeriods", stats.cpu_throttled_periods},
              {"throttledTime", stats.cpu_throttled_ns}}}};
}

ordered_json memory(const Stats& stats) {
    const auto cache = stats.memory_detail.find("cache");
    const auto file = stats.memory_detail.find("file");
    ordered_json out;
    if (cache != stats.memory_detail.end()) out["cache"] = cache->second;
    if (file != stats.memory_detail.end()) out["cache"] = file->second;
    out["usage"] = {{"limit", stats.memory_limit.value_or(~std::uint64_t{0})},
                    {"usage", stats.memory_usage},
                    {"max", stats.memory_max_usage},
                    {"failcnt", 0}};
    out["swap"] = {{"limit", ~std::uint64_t{0}}, {"usage", stats.swap_usage}, {"failcnt", 0}};
    out["raw"] = stats.memory_detail;
    return out;
}

ordered_json block_io(const Stats& stats) {
    ordered_json bytes = ordered_json::array();
    ordered_json operations = ordered_json::array();
    for (const auto& device : stats.block_io) {
        const auto entry = [&](const char* what, std::uint64_t value) {
            return ordered_json{
                {"major", device.major}, {"minor", device.minor}, {"op", what}, {"value", value}};
        };
        bytes.push_back(entry("Read", device.read_bytes));
        bytes.push_back(entry("Write", device.write_bytes));
        operations.push_back(entry("Read", device.reads));
        operations.push_back(entry("Write", device.writes));
    }
    return {{"ioServiceBytesRecursive", bytes}, {"ioServicedRecursive", operations}};
}

}  // namespace

ordered_json stats_json(const Stats& stats) {
    ordered_json out;
    out["cpu"] = cpu(stats);
    out["memory"] = memory(stats);
    out["pids"] = {{"current", stats.pids}};
    if (stats.pids_limit) out["pids"]["limit"] = *stats.pids_limit;
    out["blkio"] = block_io(stats);
    out["hugetlb"] = ordered_json::object();
    return out;
}

}  // namespace brig::runtime
