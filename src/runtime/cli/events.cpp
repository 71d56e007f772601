// brig-runtime events: a container's counters and its deaths by lack of memory, as JSON lines.
#include <poll.h>

#include <array>
#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/strings.h"
#include "os/process.h"
#include "runtime/cli/command.h"
#include "runtime/cli/stats_json.h"

namespace brig::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::array options{
    Option{"interval", "", "DURATION", "how often to print the counters, \"5s\" by default"},
    Option{"stats", "", "", "print the counters once"}};

/// "5s", "100ms", "1m": what people write of Go's durations.
milliseconds duration_of(const std::string& text) {
    const auto digits = text.find_first_not_of("0123456789");
    const auto number = parse_int<std::int64_t>(text.substr(0, digits));
    const std::string unit = digits == std::string::npos ? "" : text.substr(digits);
    constexpr std::int64_t most = 1'000'000'000;
    if (number && *number > 0 && *number < most) {
        if (unit == "ms") return milliseconds(*number);
        if (unit == "s") return milliseconds(*number * 1'000);
        if (unit == "m") return milliseconds(*number * 60'000);
        if (unit == "h") return milliseconds(*number * 3'600'000);
    }
    throw Error(ErrorKind::invalid_argument,
                "duration interval {:?}: want a number greater than 0 and ms, s, m or h", text);
}

void print_event(std::string_view type, const std::string& id, const Stats* stats) {
    nlohmann::ordered_json out{{"type", type}, {"id", id}};
    if (stats != nullptr) out["data"] = stats_json(*stats);
    print(out.dump() + "\n");
}

/// The kernel tells of each such death only who waits for it in the one right file of either
/// version of control groups; looking at the counter ten times a second is good enough.
void follow(Context& context, const std::string& id, pid_t pid, milliseconds interval) {
    const os::Process process = os::Process::open(pid);
    std::uint64_t deaths = context.runtime.stats(id).oom_kills;
    auto next = Clock::now() + interval;
    for (bool ended = false; !ended;) {
        pollfd ready{process.fd().get(), POLLIN, 0};
        ended =
            ::poll(&ready, 1, static_cast<int>(std::min(interval, milliseconds(100)).count())) > 0;
        std::optional<Stats> stats;
        try {
            stats = context.runtime.stats(id);
        } catch (const Error& e) {
            if (e.kind() == ErrorKind::not_found) return;  // deleted meanwhile
            throw;
        }
        for (; deaths < stats->oom_kills; ++deaths) print_event("oom", id, nullptr);
        if (ended || Clock::now() < next) continue;
        print_event("stats", id, &*stats);
        next += interval;
    }
}

int run(Context& context, const Arguments& arguments) {
    const std::string& id = arguments.words().front();
    const milliseconds interval = duration_of(arguments.value("interval").value_or("5s"));
    const State state = context.runtime.state(id);
    if (state.status == Status::stopped)
        throw Error(ErrorKind::failed_precondition, "container {:?} is not running", id);
    if (!arguments.has("stats")) {
        follow(context, id, state.pid, interval);
        return 0;
    }
    const Stats stats = context.runtime.stats(id);
    print_event("stats", id, &stats);
    return 0;
}

}  // namespace

constinit const Command events_command{.name = "events",
                                       .usage = "CONTAINER",
                                       .summary = "print a container's counters and events",
                                       .options = options,
                                       .run = run};

}  // namespace brig::runtime
