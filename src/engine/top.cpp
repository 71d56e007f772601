// `docker top` and `docker stats`.
#include <poll.h>
#include <pwd.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "engine/impl.h"
#include "network/network.h"
#include "os/link_counters.h"
#include "os/process_table.h"
#include "shim/client.h"

namespace brig::engine {

using nlohmann::json;

namespace {

std::string user_name(std::uint32_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::string buffer(4096, '\0');
    ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? entry.pw_name : std::to_string(uid);
}

std::string clock_text(Instant at) {
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count() % 86'400;
    return fmt::format("{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
}

std::string cpu_text(std::uint64_t milliseconds) {
    const auto seconds = milliseconds / 1000;
    return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

json process_row(const os::ProcessInfo& process) {
    return {user_name(process.uid),
            std::to_string(process.pid),
            std::to_string(process.parent),
            "0",
            clock_text(process.started),
            process.terminal,
            cpu_text(process.cpu_milliseconds),
            process.command};
}

json memory_json(const shim::TaskStats& stats) {
    json detail = json::object();
    for (const auto& [name, value] : stats.memory_detail) detail[name] = value;
    detail["inactive_file"] = stats.memory_inactive_file;
    detail["total_inactive_file"] = stats.memory_inactive_file;
    const auto host = os::host_info().memory;
    return {{"usage", stats.memory_usage},
            {"max_usage", stats.memory_max_usage},
            {"limit", stats.memory_limit ? std::min(*stats.memory_limit, host) : host},
            {"stats", std::move(detail)}};
}

json cpu_json(const shim::TaskStats& stats, int cpus) {
    // What all processors of the host had to give, on the same clock as the container's time.
    const auto total = std::chrono::steady_clock::now().time_since_epoch().count() * cpus;
    return {{"cpu_usage",
             {{"total_usage", stats.cpu_total_ns},
              {"usage_in_usermode", stats.cpu_user_ns},
              {"usage_in_kernelmode", stats.cpu_system_ns}}},
            {"system_cpu_usage", total},
            {"online_cpus", cpus},
            {"throttling_data",
             {{"periods", stats.cpu_periods},
              {"throttled_periods", stats.cpu_throttled_periods},
              {"throttled_time", stats.cpu_throttled_ns}}}};
}

json block_json(const shim::TaskStats& stats) {
    json list = json::array();
    for (const auto& device : stats.block_io) {
        const auto row = [&](const char* operation, std::uint64_t value) {
            list.push_back({{"major", device.major},
                            {"minor", device.minor},
                            {"op", operation},
                            {"value", value}});
        };
        row("read", device.read_bytes);
        row("write", device.write_bytes);
    }
    return {{"io_service_bytes_recursive", std::move(list)}};
}

/// The host's end of the link sees the container's traffic from the other side.
json networks_json(const network::Networks* networks, const std::string& id) {
    json out = json::object();
    const auto endpoint = networks != nullptr ? networks->find(id) : std::nullopt;
    const auto counted = endpoint ? os::link_counters(endpoint->link) : std::nullopt;
    if (!counted) return out;
    out["eth0"] = {
        {"rx_bytes", counted->sent.bytes},       {"rx_packets", counted->sent.packets},
        {"rx_errors", counted->sent.errors},     {"rx_dropped", counted->sent.dropped},
        {"tx_bytes", counted->received.bytes},   {"tx_packets", counted->received.packets},
        {"tx_errors", counted->received.errors}, {"tx_dropped", counted->received.dropped}};
    return out;
}

json stats_json(const Record& record, const std::optional<shim::TaskStats>& stats,
                const json& previous) {
    const int cpus = os::host_info().cpus;
    json out{{"id", record.id},
             {"name", "/" + record.name},
             {"read", format_rfc3339(now())},
             {"preread", previous.is_null() ? format_rfc3339(std::optional<Instant>())
                                            : previous["read"].get<std::string>()},
             {"num_procs", 0},
             {"storage_stats", json::object()}};
    const shim::TaskStats values = stats.value_or(shim::TaskStats{});
    out["memory_stats"] = stats ? memory_json(values) : json::object();
    out["cpu_stats"] = cpu_json(values, cpus);
    out["precpu_stats"] =
        previous.is_null()
            ? json{{"cpu_usage",
                    {{"total_usage", 0}, {"usage_in_usermode", 0}, {"usage_in_kernelmode", 0}}},
                   {"throttling_data",
                    {{"periods", 0}, {"throttled_periods", 0}, {"throttled_time", 0}}}}
            : previous["cpu_stats"];
    out["blkio_stats"] = block_json(values);
    out["pids_stats"] = stats ? json{{"current", values.pids}} : json::object();
    if (values.pids_limit) out["pids_stats"]["limit"] = *values.pids_limit;
    return out;
}

bool reader_stays(int sink, std::chrono::milliseconds patience) {
    pollfd waiting{sink, 0, 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0 ||
           (waiting.revents & (POLLERR | POLLHUP)) == 0;
}

}  // namespace

json Engine::top(const std::string& ref, const std::string& ps_args) {
    const auto container = impl_->table.find(ref);
    if (!container->state().running()) throw not_running(*container);
    const auto wanted = trim(ps_args);
    if (!wanted.empty() && wanted != "-ef" && wanted != "ef" && wanted != "-e" && wanted != "aux" &&
        wanted != "-aux") {
        throw Error(ErrorKind::not_implemented,
                    "top with the ps options \"{}\" is not implemented; leave them out", wanted);
    }
    json rows = json::array();
    for (const int pid : impl_->parts.tasks->pids(container->id)) {
        if (const auto process = os::process_info(pid)) rows.push_back(process_row(*process));
    }
    impl_->publish(container->snapshot(), "top");
    return {{"Titles", {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}},
            {"Processes", std::move(rows)}};
}

Streamer Engine::stats(const std::string& ref, bool stream, bool one_shot) {
    const auto container = impl_->table.find(ref);
    return [this, container, stream, one_shot](int sink) {
        const auto take = [&](const json& previous) {
            std::optional<shim::TaskStats> values;
            try {
                if (container->state().running()) values = impl_->parts.tasks->stats(container->id);
            } catch (const Error&) {
                // It ends at this moment: zeros, as for one that does not run.
            }
            json out = stats_json(container->snapshot(), values, previous);
            out["networks"] = networks_json(impl_->parts.networks.get(), container->id);
            return out;
        };
        try {
            json last = take(nullptr);
            // Rates need two looks; without a stream docker takes the second after a second.
            if (!one_shot && !stream && container->state().running()) {
                if (!reader_stays(sink, std::chrono::seconds(1))) return;
                last = take(last);
            }
            write_all(sink, last.dump() + "\n");
            while (stream && reader_stays(sink, std::chrono::seconds(1)) &&
                   container->state().status != Status::removing) {
                last = take(last);
                write_all(sink, last.dump() + "\n");
            }
        } catch (const SysError&) {
            // The reader has gone.
        }
    };
}

}  // namespace brig::engine
