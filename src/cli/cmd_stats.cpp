// brig stats: what containers use of the machine.
#include <algorithm>
#include <ctime>

#include "base/strings.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/output.h"
#include "cli/units.h"

namespace brig::cli {
namespace {

double cpu_percent(const Json& stats) {
    const auto total = [&](const char* which) {
        return number_of(at_path(stats, which, "cpu_usage"), "total_usage");
    };
    const auto system = [&](const char* which) {
        return number_of(at_path(stats, which), "system_cpu_usage");
    };
    const auto used = static_cast<double>(total("cpu_stats") - total("precpu_stats"));
    const auto passed = static_cast<double>(system("cpu_stats") - system("precpu_stats"));
    const auto cpus = static_cast<double>(number_of(at_path(stats, "cpu_stats"), "online_cpus", 1));
    return used > 0 && passed > 0 ? used / passed * cpus * 100 : 0;
}

std::pair<std::int64_t, std::int64_t> network_bytes(const Json& stats) {
    std::pair<std::int64_t, std::int64_t> sums;
    for (const auto& [name, network] : at_path(stats, "networks").items()) {
        sums.first += number_of(network, "rx_bytes");
        sums.second += number_of(network, "tx_bytes");
    }
    return sums;
}

std::pair<std::int64_t, std::int64_t> block_bytes(const Json& stats) {
    std::pair<std::int64_t, std::int64_t> sums;
    for (const Json& entry : at_path(stats, "blkio_stats", "io_service_bytes_recursive")) {
        const std::string operation = to_lower(text_of(entry, "op"));
        if (operation == "read") sums.first += number_of(entry, "value");
        if (operation == "write") sums.second += number_of(entry, "value");
    }
    return sums;
}

std::string pair_text(std::pair<std::int64_t, std::int64_t> bytes) {
    return human_size(static_cast<double>(bytes.first), 3) + " / " +
           human_size(static_cast<double>(bytes.second), 3);
}

Json row_of(const Json& stats, const std::string& asked, bool whole) {
    const Json& memory = at_path(stats, "memory_stats");
    // Cache that can be dropped at once does not count, as with docker.
    const auto cache = number_of(at_path(memory, "stats"), "inactive_file",
                                 number_of(at_path(memory, "stats"), "total_inactive_file"));
    const auto used =
        static_cast<double>(std::max<std::int64_t>(0, number_of(memory, "usage") - cache));
    const auto limit = static_cast<double>(number_of(memory, "limit"));
    const std::string name = text_of(stats, "name", asked);
    return {{"BlockIO", pair_text(block_bytes(stats))},
            {"CPUPerc", fmt::format("{:.2f}%", cpu_percent(stats))},
            {"Container", asked},
            {"ID", short_id(text_of(stats, "id"), whole)},
            {"MemPerc", fmt::format("{:.2f}%", limit > 0 ? used / limit * 100 : 0)},
            {"MemUsage", binary_size(used) + " / " + binary_size(limit)},
            {"Name", name.starts_with('/') ? name.substr(1) : name},
            {"NetIO", pair_text(network_bytes(stats))},
            {"PIDs", std::to_string(number_of(at_path(stats, "pids_stats"), "current"))}};
}

std::vector<std::string> running_containers(client::Client& engine, bool all) {
    std::vector<std::string> ids;
    const std::string query = client::Query().flag("all", all).str();
    for (const Json& container : parse_json(engine.call("GET", "/containers/json" + query).body)) {
        ids.push_back(text_of(container, "Id"));
    }
    return ids;
}

Listing measure(client::Client& engine, const std::vector<std::string>& names, bool whole) {
    Listing listing{.titles = {{"ID", "CONTAINER ID"},
                               {"Name", "NAME"},
                               {"Container", "CONTAINER"},
                               {"CPUPerc", "CPU %"},
                               {"MemUsage", "MEM USAGE / LIMIT"},
                               {"MemPerc", "MEM %"},
                               {"NetIO", "NET I/O"},
                               {"BlockIO", "BLOCK I/O"},
                               {"PIDs", "PIDS"}},
                    .columns =
                        "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}"
                        "\t{{.BlockIO}}\t{{.PIDs}}"};
    std::vector<client::Exchange>
        exchanges;  // all at once: each takes the engine a second to measure
    for (const auto& name : names)
        exchanges.push_back(engine.begin("GET", container_path(name, "stats?stream=false")));
    for (std::size_t i = 0; i < names.size(); ++i) {
        listing.rows.push_back(row_of(parse_json(exchanges[i].read_all()), names[i], whole));
    }
    return listing;
}

}  // namespace

int stats(Invocation& in) {
    bool all = false;
    bool once = false;
    bool whole = false;
    std::string format;
    in.flags.toggle("all,a", all, "Show stopped containers, too");
    in.flags.toggle("no-stream", once, "Measure once and end");
    in.flags.toggle("no-trunc", whole, "Do not shorten anything");
    in.flags.text("format", format, "table, json, or a Go template");
    const auto names = in.parse();  // sets what the toggles stand for
    // NOLINTNEXTLINE(bugprone-infinite-loop)
    do {
        const Listing listing = measure(
            in.engine(), names.empty() ? running_containers(in.engine(), all) : names, whole);
        if (!once && output_is_terminal()) print("\x1b[H\x1b[2J");
        print_listing(listing, format);
        flush_output();
        const timespec pause{.tv_sec = 1, .tv_nsec = 0};
        if (!once && listing.rows.empty()) ::nanosleep(&pause, nullptr);
    } while (!once);
    return 0;
}

}  // namespace brig::cli
