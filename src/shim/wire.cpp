// See wire.h.
#include "shim/wire.h"

#include <chrono>

#include "base/error.h"

namespace brig::shim {
namespace {

constexpr std::string_view io_options_type = "brig.shim.v1.IoOptions";
constexpr std::int64_t giga = 1'000'000'000;

Instant to_instant(const task_v2::Timestamp& message) {
    return Instant(std::chrono::nanoseconds(message.seconds() * giga + message.nanos()));
}

}  // namespace

task_v2::CreateTaskRequest to_wire(const TaskSpec& spec) {
    task_v2::CreateTaskRequest message;
    message.set_id(spec.id);
    message.set_bundle(spec.bundle.string());
    message.set_terminal(spec.terminal);
    for (const Mount& mount : spec.rootfs) {
        auto& entry = *message.add_rootfs();
        entry.set_type(mount.type);
        entry.set_source(mount.source);
        entry.set_target(mount.target);
        for (const auto& option : mount.options) entry.add_options(option);
    }
    v1::IoOptions io;
    io.set_open_stdin(spec.open_stdin);
    io.set_stdin_once(spec.stdin_once);
    io.set_log_path(spec.log.path.string());
    io.set_log_max_size(spec.log.max_size);
    io.set_log_max_files(static_cast<std::uint32_t>(spec.log.max_files));
    message.mutable_options()->set_type_url(std::string(io_options_type));
    message.mutable_options()->set_value(io.SerializeAsString());
    return message;
}

TaskSpec from_wire(const task_v2::CreateTaskRequest& message) {
    if (message.id().empty())
        throw Error(ErrorKind::invalid_argument, "task without an identifier");
    TaskSpec spec;
    spec.id = message.id();
    spec.bundle = message.bundle();
    spec.terminal = message.terminal();
    for (const auto& entry : message.rootfs()) {
        spec.rootfs.push_back({entry.type(),
                               entry.source(),
                               entry.target(),
                               {entry.options().begin(), entry.options().end()}});
    }
    v1::IoOptions io;
    if (message.options().type_url() == io_options_type &&
        !io.ParseFromString(message.options().value())) {
        throw Error(ErrorKind::invalid_argument, "malformed options of task {}", spec.id);
    }
    spec.open_stdin = io.open_stdin();
    spec.stdin_once = io.stdin_once();
    spec.log = {io.log_path(), io.log_max_size(), static_cast<int>(io.log_max_files())};
    return spec;
}

v1::ExecStartRequest to_wire(const ExecSpec& spec) {
    v1::ExecStartRequest message;
    auto& exec = *message.mutable_exec();
    exec.set_id(spec.id);
    exec.set_exec_id(spec.exec_id);
    exec.set_terminal(spec.terminal);
    exec.mutable_spec()->set_type_url("types.containerd.io/opencontainers/runtime-spec/1/Process");
    exec.mutable_spec()->set_value(spec.process_json);
    auto& io = *message.mutable_io();
    io.set_open_stdin(spec.open_stdin);
    io.set_stdin_once(spec.stdin_once);
    return message;
}

ExecSpec from_wire(const task_v2::ExecProcessRequest& message, const v1::IoOptions& io) {
    if (message.exec_id().empty())
        throw Error(ErrorKind::invalid_argument, "exec without an identifier");
    return {message.id(),       message.exec_id(), message.spec().value(),
            message.terminal(), io.open_stdin(),   io.stdin_once()};
}

v1::AttachRequest to_wire(const std::string& id, const std::string& exec_id,
                          const AttachOptions& options) {
    v1::AttachRequest message;
    message.set_id(id);
    message.set_exec_id(exec_id);
    message.set_in(options.in);
    message.set_out(options.out);
    message.set_err(options.err);
    message.set_detach_keys(options.detach_keys);
    return message;
}

AttachOptions from_wire(const v1::AttachRequest& message) {
    return {message.in(), message.out(), message.err(), message.detach_keys()};
}

v1::Exit to_wire(const TaskExit& exit) {
    v1::Exit message;
    message.set_id(exit.id);
    message.set_exec_id(exit.exec_id);
    message.set_pid(static_cast<std::uint32_t>(exit.pid));
    message.set_status(static_cast<std::uint32_t>(exit.status));
    *message.mutable_at() = to_wire(exit.at);
    message.set_oom_killed(exit.oom_killed);
    return message;
}

TaskExit from_wire(const v1::Exit& message) {
    return {message.id(),
            message.exec_id(),
            static_cast<int>(message.pid()),
            static_cast<int>(message.status()),
            to_instant(message.at()),
            message.oom_killed()};
}

v1::Process to_wire(const TaskState& state) {
    v1::Process message;
    message.set_id(state.id);
    message.set_exec_id(state.exec_id);
    message.set_bundle(state.bundle.string());
    message.set_pid(static_cast<std::uint32_t>(state.pid));
    message.set_status(to_wire(state.status));
    if (state.exit) *message.mutable_exit() = to_wire(*state.exit);
    return message;
}

TaskState from_wire(const v1::Process& message) {
    TaskState state{message.id(),        message.exec_id(),
                    message.bundle(),    static_cast<int>(message.pid()),
                    TaskStatus::stopped, std::nullopt};
    switch (message.status()) {
        case task_v2::CREATED: state.status = TaskStatus::created; break;
        case task_v2::RUNNING: state.status = TaskStatus::running; break;
        case task_v2::PAUSED: state.status = TaskStatus::paused; break;
        default: break;
    }
    if (message.has_exit()) state.exit = from_wire(message.exit());
    return state;
}

v1::Stats to_wire(const runtime::Stats& stats) {
    v1::Stats message;
    message.set_cpu_total_ns(stats.cpu_total_ns);
    message.set_cpu_user_ns(stats.cpu_user_ns);
    message.set_cpu_system_ns(stats.cpu_system_ns);
    message.set_cpu_periods(stats.cpu_periods);
    message.set_cpu_throttled_periods(stats.cpu_throttled_periods);
    message.set_cpu_throttled_ns(stats.cpu_throttled_ns);
    message.set_memory_usage(stats.memory_usage);
    message.set_memory_max_usage(stats.memory_max_usage);
    message.set_memory_inactive_file(stats.memory_inactive_file);
    if (stats.memory_limit) message.set_memory_limit(*stats.memory_limit);
    message.set_swap_usage(stats.swap_usage);
    message.set_oom_kills(stats.oom_kills);
    message.set_pids(stats.pids);
    if (stats.pids_limit) message.set_pids_limit(*stats.pids_limit);
    for (const auto& device : stats.block_io) {
        auto& entry = *message.add_block_io();
        entry.set_device_major(device.major);
        entry.set_device_minor(device.minor);
        entry.set_read_bytes(device.read_bytes);
        entry.set_write_bytes(device.write_bytes);
        entry.set_reads(device.reads);
        entry.set_writes(device.writes);
    }
    message.mutable_memory_detail()->insert(stats.memory_detail.begin(), stats.memory_detail.end());
    return message;
}

runtime::Stats from_wire(const v1::Stats& message) {
    runtime::Stats stats;
    stats.cpu_total_ns = message.cpu_total_ns();
    stats.cpu_user_ns = message.cpu_user_ns();
    stats.cpu_system_ns = message.cpu_system_ns();
    stats.cpu_periods = message.cpu_periods();
    stats.cpu_throttled_periods = message.cpu_throttled_periods();
    stats.cpu_throttled_ns = message.cpu_throttled_ns();
    stats.memory_usage = message.memory_usage();
    stats.memory_max_usage = message.memory_max_usage();
    stats.memory_inactive_file = message.memory_inactive_file();
    if (message.has_memory_limit()) stats.memory_limit = message.memory_limit();
    stats.swap_usage = message.swap_usage();
    stats.oom_kills = message.oom_kills();
    stats.pids = message.pids();
    if (message.has_pids_limit()) stats.pids_limit = message.pids_limit();
    for (const auto& entry : message.block_io()) {
        stats.block_io.push_back({entry.device_major(), entry.device_minor(), entry.read_bytes(),
                                  entry.write_bytes(), entry.reads(), entry.writes()});
    }
    for (const auto& [name, value] : message.memory_detail()) stats.memory_detail[name] = value;
    return stats;
}

task_v2::Timestamp to_wire(Instant instant) {
    const auto nanoseconds = instant.time_since_epoch().count();
    task_v2::Timestamp message;
    message.set_seconds(nanoseconds / giga);
    message.set_nanos(static_cast<std::int32_t>(nanoseconds % giga));
    return message;
}

task_v2::Status to_wire(TaskStatus status) {
    switch (status) {
        case TaskStatus::created: return task_v2::CREATED;
        case TaskStatus::running: return task_v2::RUNNING;
        case TaskStatus::paused: return task_v2::PAUSED;
        case TaskStatus::stopped: return task_v2::STOPPED;
    }
    return task_v2::UNKNOWN;
}

}  // namespace brig::shim
