// `docker exec`: further processes in a running container.
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/random.h"
#include "engine/capabilities.h"
#include "engine/detach_keys.h"
#include "engine/impl.h"
#include "engine/json_fields.h"
#include "engine/spec.h"
#include "engine/stream_format.h"
#include "oci/runtime_spec.h"
#include "os/container_root.h"
#include "os/sandbox.h"
#include "shim/client.h"

namespace brig::engine {
namespace {

using nlohmann::json;

constexpr std::size_t most_ended_execs = 1000;

std::string process_json(const Record& record, const ExecConfig& config, const ResolvedUser& user,
                         const std::vector<oci::Rlimit>& rlimits) {
    oci::Process process;
    process.terminal = config.tty;
    if (config.console_size.size() == 2) {
        process.console_size = oci::ConsoleSize{config.console_size[0], config.console_size[1]};
    }
    process.user = {user.uid, user.gid, {}, user.groups};
    process.args = config.cmd;
    Record with_terminal = record;
    with_terminal.config.tty = config.tty;
    process.env = make_environment(with_terminal, user);
    merge_environment(process.env, config.env);
    process.cwd = !config.working_dir.empty()          ? config.working_dir
                  : !record.config.working_dir.empty() ? record.config.working_dir
                                                       : "/";
    process.rlimits = make_rlimits(record.host, rlimits);
    HostConfig host = record.host;
    host.privileged = host.privileged || config.privileged;
    process.capabilities = make_capability_sets(container_capabilities(host), user);
    if (record.host.oom_score_adj != 0) process.oom_score_adj = record.host.oom_score_adj;
    return oci::to_json(process);
}

/// The client has been promised a stream by now: docker says there why there will be none.
Attached failure_stream(const std::string& message, bool tty) {
    auto pair = make_socket_pair();
    std::string text;
    if (tty) {
        text = message + "\r\n";
    } else {
        append_frame(text, false, message + "\r\n");
    }
    write_all(pair.second.get(), text);
    return {std::move(pair.first), tty};
}

}  // namespace

ExecConfig parse_exec(std::string_view body) {
    const json in = parse_object(body);
    ExecConfig config;
    field(in, "AttachStdin", config.attach_stdin);
    field(in, "AttachStdout", config.attach_stdout);
    field(in, "AttachStderr", config.attach_stderr);
    field(in, "Tty", config.tty);
    field(in, "Privileged", config.privileged);
    field(in, "User", config.user);
    field(in, "WorkingDir", config.working_dir);
    field(in, "DetachKeys", config.detach_keys);
    field(in, "Env", config.env);
    field(in, "ConsoleSize", config.console_size);
    if (in.contains("Cmd") && in["Cmd"].is_string()) {
        config.cmd = {in["Cmd"].get<std::string>()};
    } else {
        field(in, "Cmd", config.cmd);
    }
    if (config.cmd.empty()) throw Error(ErrorKind::invalid_argument, "No exec command specified");
    if (!config.working_dir.empty() && !config.working_dir.starts_with('/')) {
        throw Error(ErrorKind::invalid_argument,
                    "the working directory '{}' is invalid, it needs to be an absolute path",
                    config.working_dir);
    }
    return config;
}

std::shared_ptr<Exec> Engine::Impl::find_exec(const std::string& id) {
    const std::lock_guard lock(exec_mutex);
    const auto found = execs.find(id);
    if (found == execs.end()) throw Error(ErrorKind::not_found, "No such exec instance: {}", id);
    return found->second;
}

void Engine::Impl::exec_ended(const std::string& exec_id, int status) {
    std::shared_ptr<Exec> exec;
    {
        const std::lock_guard lock(exec_mutex);
        const auto found = execs.find(exec_id);
        if (found == execs.end() || found->second->phase == Exec::Phase::ended) return;
        exec = found->second;
        exec->phase = Exec::Phase::ended;
        exec->exit_code = status;
        exec_changed.notify_all();
    }
    const auto container = table.find_id(exec->container_id);
    if (container) {
        publish(container->snapshot(), "exec_die",
                {{"execID", exec_id}, {"exitCode", std::to_string(status)}});
    }
}

std::shared_ptr<Exec> Engine::Impl::add_exec(const ContainerPtr& container,
                                             const ExecConfig& config) {
    const auto state = container->state();
    if (!state.running()) throw not_running(*container);
    if (state.status == Status::paused) {
        throw Error(ErrorKind::conflict,
                    "container {} is paused, unpause the container before exec", container->id);
    }
    if (!config.detach_keys.empty()) parse_detach_keys(config.detach_keys);
    if (config.privileged && os::sandbox_kind() == os::SandboxKind::jail) {
        throw Error(
            ErrorKind::not_implemented,
            "--privileged is not possible for exec on FreeBSD: all of a jail has the same rights");
    }
    auto exec = std::make_shared<Exec>();
    exec->id = random_hex(32);
    exec->container_id = container->id;
    exec->config = config;
    {
        const std::lock_guard lock(exec_mutex);
        // Ended ones are kept for inspect, but not for ever.
        if (execs.size() > most_ended_execs) {
            std::erase_if(
                execs, [](const auto& entry) { return entry.second->phase == Exec::Phase::ended; });
        }
        execs.emplace(exec->id, exec);
    }
    publish(container->snapshot(), "exec_create: " + config.cmd.front(), {{"execID", exec->id}});
    return exec;
}

Attached Engine::Impl::start_exec(const std::string& exec_id, const ExecStart& options) {
    const auto exec = find_exec(exec_id);
    const auto container = table.find_id(exec->container_id);
    if (!container) throw Error(ErrorKind::not_found, "No such container: {}", exec->container_id);
    const Record record = container->snapshot();
    if (!record.state.running()) throw not_running(*container);
    {
        const std::lock_guard lock(exec_mutex);
        if (exec->phase == Exec::Phase::running) {
            throw Error(ErrorKind::conflict, "exec command {} is already running", exec_id);
        }
        if (exec->phase == Exec::Phase::ended) {
            throw Error(ErrorKind::conflict, "exec command {} has already run", exec_id);
        }
        exec->phase = Exec::Phase::running;
        if (options.console_size.size() == 2) exec->config.console_size = options.console_size;
    }
    const ExecConfig& config = exec->config;
    try {
        ResolvedUser user;
        {
            const Fd root =
                os::open_container_root(record.state.pid, bundle_of(record.id) / "rootfs");
            user = resolve_user(config.user.empty() ? record.config.user : config.user,
                                config.user.empty() ? record.host.group_add : Strings{},
                                read_accounts(root.get()));
        }
        const shim::ExecSpec spec{
            .id = record.id,
            .exec_id = exec_id,
            .process_json = process_json(record, config, user, parts.settings.rlimits),
            .terminal = config.tty,
            .open_stdin = config.attach_stdin};
        std::optional<shim::AttachOptions> attach;
        if (!options.detach) {
            attach = shim::AttachOptions{
                config.attach_stdin, config.attach_stdout, config.attach_stderr,
                config.tty ? parse_detach_keys(config.detach_keys) : std::string()};
        }
        auto begun = parts.tasks->exec_start(spec, attach);
        {
            const std::lock_guard lock(exec_mutex);
            exec->pid = begun.pid;
        }
        publish(record, "exec_start: " + config.cmd.front(), {{"execID", exec_id}});
        return {std::move(begun.stream), config.tty};
    } catch (const Error& e) {
        const bool no_command =
            e.kind() == ErrorKind::not_found && e.message().find("exec: \"") != std::string::npos;
        exec_ended(exec_id, no_command ? 127 : 126);
        const std::string message =
            "OCI runtime exec failed: exec failed: unable to start container process: " +
            e.message() + ": unknown";
        if (options.detach) throw Error(ErrorKind::invalid_argument, message);
        return failure_stream(message, config.tty);
    }
}

std::string Engine::exec_create(const std::string& ref, const ExecConfig& config) {
    return impl_->add_exec(impl_->table.find(ref), config)->id;
}

Attached Engine::exec_start(const std::string& exec_id, const ExecStart& options) {
    return impl_->start_exec(exec_id, options);
}

void Engine::exec_resize(const std::string& exec_id, unsigned width, unsigned height) {
    const auto exec = impl_->find_exec(exec_id);
    impl_->parts.tasks->resize(
        exec->container_id, exec_id,
        {static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)});
}

json Engine::exec_inspect(const std::string& exec_id) {
    const auto exec = impl_->find_exec(exec_id);
    const auto phase = [&] {
        const std::lock_guard lock(impl_->exec_mutex);
        return exec->phase;
    };
    // Its output has ended before the news of its exit has arrived: clients ask in between.
    if (phase() == Exec::Phase::running) {
        try {
            const auto state = impl_->parts.tasks->state(exec->container_id, exec_id);
            if (state.exit) impl_->exec_ended(exec_id, state.exit->status);
        } catch (const Error& e) {
            log::debug("exec {}: {}", exec_id, e.message());
        }
    }
    const std::lock_guard lock(impl_->exec_mutex);
    const auto& config = exec->config;
    const bool running = exec->phase == Exec::Phase::running;
    return {{"ID", exec->id},
            {"Running", running},
            {"ExitCode", exec->phase == Exec::Phase::ended ? json(exec->exit_code) : json(nullptr)},
            {"ProcessConfig",
             {{"tty", config.tty},
              {"entrypoint", config.cmd.front()},
              {"arguments", Strings(config.cmd.begin() + 1, config.cmd.end())},
              {"privileged", config.privileged},
              {"user", config.user}}},
            {"OpenStdin", config.attach_stdin},
            {"OpenStderr", config.attach_stderr},
            {"OpenStdout", config.attach_stdout},
            {"CanRemove", !running},
            {"ContainerID", exec->container_id},
            {"DetachKeys", config.detach_keys},
            {"Pid", exec->pid}};
}

}  // namespace brig::engine
