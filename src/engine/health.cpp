// Health checks: a command run in the container now and then, and what docker concludes from it.
#include <poll.h>

#include <algorithm>
#include <csignal>

#include "base/log.h"
#include "engine/impl.h"
#include "engine/stream_format.h"
#include "shim/client.h"

namespace brig::engine {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr nanoseconds default_interval = 30s;
constexpr nanoseconds default_timeout = 30s;
constexpr nanoseconds default_start_interval = 5s;
constexpr int default_retries = 3;
constexpr std::size_t most_output = 4096;
constexpr std::size_t most_probes = 5;

nanoseconds or_default(nanoseconds given, nanoseconds otherwise) {
    return given.count() > 0 ? given : otherwise;
}

/// What to run; empty when nothing is.
Strings probe_command(const Config& config) {
    if (!config.health_check || config.health_check->test.empty()) return {};
    const auto& test = config.health_check->test;
    if (test[0] == "CMD") return {test.begin() + 1, test.end()};
    if (test[0] != "CMD-SHELL" || test.size() < 2) return {};
    Strings command = config.shell.empty() ? Strings{"/bin/sh", "-c"} : config.shell;
    command.push_back(test[1]);
    return command;
}

nanoseconds until_next(const Record& record) {
    const auto& check = *record.config.health_check;
    const auto interval = or_default(check.interval, default_interval);
    const auto age = now() - record.state.started_at.value_or(now());
    const bool starting = age < check.start_period && record.state.health &&
                          record.state.health->status == "starting";
    return starting ? or_default(check.start_interval, default_start_interval) : interval;
}

/// When a probe has taken too long, and when nobody wants to know any more.
struct Patience {
    steady_clock::time_point deadline;
    const std::atomic<bool>& closing;
    [[nodiscard]] bool over() const { return closing || steady_clock::now() >= deadline; }
};
constexpr auto glance = 100ms;

/// Reads until the end of the output (true) or of the patience.
bool read_output(int stream, const Patience& patience, std::string& output) {
    FrameReader frames;
    std::string buffer(4096, '\0');
    while (!patience.over()) {
        pollfd waiting{stream, POLLIN, 0};
        if (::poll(&waiting, 1, static_cast<int>(glance.count())) <= 0) continue;
        const auto got = read_some(stream, std::as_writable_bytes(std::span(buffer)));
        if (got == 0) return true;
        frames.feed(std::string_view(buffer).substr(0, got), [&](std::string_view text) {
            output += text.substr(0, most_output - std::min(most_output, output.size()));
        });
    }
    return false;
}

}  // namespace

void Engine::Impl::watch_health(const ContainerPtr& container) {
    std::uint64_t run = 0;
    {
        const std::lock_guard lock(container->mutex);
        run = ++container->run;
        auto& record = container->record;
        if (probe_command(record.config).empty()) return;
        if (!record.state.health) record.state.health.emplace();
    }
    schedule_probe(container, run);
}

void Engine::Impl::schedule_probe(const ContainerPtr& container, std::uint64_t run) {
    const auto delay = until_next(container->snapshot());
    timers.call_after(std::chrono::duration_cast<Timers::Clock::duration>(delay),
                      [this, container, run] {
                          probes.submit([this, container, run] { probe(container, run); });
                      });
}

void Engine::Impl::probe(const ContainerPtr& container, std::uint64_t run) {
    Record record;
    {
        const std::lock_guard lock(container->mutex);
        if (container->run != run || !container->record.state.running()) return;
        record = container->record;
    }
    // A frozen container could only time out.
    if (record.state.status != Status::paused)
        note_probe(*container, run, run_probe(container, probe_command(record.config)));
    schedule_probe(container, run);
}

Probe Engine::Impl::run_probe(const ContainerPtr& container, const Strings& command) {
    Probe result{.start = now(), .exit_code = -1};
    const auto timeout =
        or_default(container->snapshot().config.health_check->timeout, default_timeout);
    const Patience patience{
        steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(timeout), closing};
    try {
        const auto exec =
            add_exec(container, {.attach_stdout = true, .attach_stderr = true, .cmd = command});
        const Attached attached = start_exec(exec->id, {});
        bool over = read_output(attached.stream.get(), patience, result.output);
        {
            std::unique_lock lock(exec_mutex);
            const auto ended = [&] { return exec->phase == Exec::Phase::ended; };
            while (over && !exec_changed.wait_for(lock, glance, ended)) over = !patience.over();
            if (over && exec->pid != 0) result.exit_code = exec->exit_code;
            if (over) execs.erase(exec->id);
        }
        if (!over && !closing) {
            parts.tasks->kill(container->id, exec->id, SIGKILL, false);
            result.output = fmt::format("Health check exceeded timeout ({}s){}{}",
                                        std::chrono::duration<double>(timeout).count(),
                                        result.output.empty() ? "" : ": ", result.output);
        }
    } catch (const Error& e) {
        result.output = e.message();
    }
    result.end = now();
    return result;
}

void Engine::Impl::note_probe(Container& container, std::uint64_t run, Probe result) {
    Record record;
    {
        const std::lock_guard lock(container.mutex);
        auto& state = container.record.state;
        if (closing || container.run != run || !state.running() || !state.health) return;
        auto& health = *state.health;
        const auto& check = *container.record.config.health_check;
        const auto before = health.status;
        const bool forgiven =
            health.status == "starting" &&
            result.start - state.started_at.value_or(result.start) < check.start_period;
        if (result.exit_code == 0) {
            health.failing_streak = 0;
            health.status = "healthy";
        } else if (!forgiven && ++health.failing_streak >=
                                    (check.retries > 0 ? check.retries : default_retries)) {
            health.status = "unhealthy";
        }
        health.log.push_back(std::move(result));
        if (health.log.size() > most_probes) health.log.erase(health.log.begin());
        if (health.status == before) return;
        record = container.record;
    }
    table.save(container);
    publish(record, "health_status: " + record.state.health->status);
}

}  // namespace brig::engine
