// diff, export, commit, update: what has become of a container, and what it is to become.
#include <fcntl.h>
#include <unistd.h>

#include "base/defer.h"
#include "cli/attach_session.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/output_file.h"

namespace brig::cli {

int diff(Invocation& in) {
    const auto words = in.parse();
    if (words[0].empty()) throw Failure(1, "Container name cannot be empty");
    const Json changes =
        parse_json(in.engine().call("GET", container_path(words[0], "changes")).body);
    for (const Json& change : changes) {
        constexpr std::string_view letters = "CAD";
        const auto kind = static_cast<std::size_t>(number_of(change, "Kind"));
        print_line(fmt::format("{} {}", kind < letters.size() ? letters[kind] : '?',
                               text_of(change, "Path")));
    }
    return 0;
}

int export_container(Invocation& in) {
    std::string output;
    in.flags.text("output,o", output, "File to write instead of standard output");
    const auto words = in.parse();
    if (output.empty() && output_is_terminal()) {
        throw Failure(1, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    }
    client::Exchange exchange = in.engine().begin("GET", container_path(words[0], "export"));
    write_output(exchange, output, "failed to export container");
    return 0;
}

int commit(Invocation& in) {
    std::string author, message;
    std::vector<std::string> changes;
    bool pause = true;
    in.flags.text("author,a", author, "Author of the image");
    in.flags.list("change,c", changes, "Dockerfile instruction to apply to the image");
    in.flags.text("message,m", message, "Comment on the image");
    in.flags.toggle("pause,p", pause, "Pause the container meanwhile").shows_default("true");
    const auto words = in.parse();
    client::Query query;
    query.add("container", words[0]);
    if (words.size() > 1) {
        const auto colon = words[1].rfind(':');
        const bool tagged =
            colon != std::string::npos && words[1].find('/', colon) == std::string::npos;
        query.add("repo", words[1].substr(0, tagged ? colon : std::string::npos));
        if (tagged) query.add("tag", words[1].substr(colon + 1));
    }
    if (!author.empty()) query.add("author", author);
    if (!message.empty()) query.add("comment", message);
    for (const auto& change : changes) query.add("changes", change);
    query.add("pause", pause ? "1" : "0");
    print_line(text_of(parse_json(in.engine().call("POST", "/commit" + query.str()).body), "Id"));
    return 0;
}

int update(Invocation& in) {
    std::optional<std::int64_t> memory, swap, reservation, cpus, shares, period, quota, pids;
    std::string cpuset_cpus, cpuset_mems, restart;
    auto& flags = in.flags;
    flags.bytes("memory,m", memory, "Memory limit");
    flags.value(
        "memory-swap", "bytes",
        [&](const std::string& v) { swap = v == "-1" ? -1 : parse_size(v); },
        "Limit of memory and swap together; -1 for unlimited swap");
    flags.bytes("memory-reservation", reservation, "Memory that is only taken away under pressure");
    flags.value(
        "cpus", "decimal", [&](const std::string& v) { cpus = parse_cpus(v); }, "Number of CPUs");
    flags.number("cpu-shares,c", shares, "Relative weight in sharing CPUs");
    flags.number("cpu-period", period, "Scheduling period in microseconds");
    flags.number("cpu-quota", quota, "CPU time per period in microseconds");
    flags.text("cpuset-cpus", cpuset_cpus, "CPUs to run on (0-3, 0,1)");
    flags.text("cpuset-mems", cpuset_mems, "Memory nodes to use (0-3, 0,1)");
    flags.number("pids-limit", pids, "Most processes at a time; -1 for unlimited");
    flags.text("restart", restart, "When to start again");
    const auto names = in.parse();
    Json body = Json::object();
    const auto set = [&](const char* key, const auto& value) {
        if (value) body[key] = *value;
    };
    set("Memory", memory);
    set("MemorySwap", swap);
    set("MemoryReservation", reservation);
    set("NanoCpus", cpus);
    set("CpuShares", shares);
    set("CpuPeriod", period);
    set("CpuQuota", quota);
    set("PidsLimit", pids);
    if (!cpuset_cpus.empty()) body["CpusetCpus"] = cpuset_cpus;
    if (!cpuset_mems.empty()) body["CpusetMems"] = cpuset_mems;
    if (!restart.empty()) body["RestartPolicy"] = parse_restart_policy(restart);
    if (body.empty())
        throw Failure(1, "you must provide one or more flags when using this command");
    return for_each_name(names, [&](const std::string& name) {
        in.engine().call("POST", container_path(name, "update"), body.dump());
        print_line(name);
    });
}

}  // namespace brig::cli
