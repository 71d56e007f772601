// See supervisor.h.
#include "shim/supervisor.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/defer.h"
#include "base/error.h"
#include "base/log.h"
#include "os/memory.h"
#include "shim/exit_record.h"

namespace brig::shim {
namespace {

constexpr std::size_t scratch_size = 64U << 10U;  // what a pipe holds
constexpr int unknown_status = 137;
constexpr std::chrono::milliseconds reap_delay(500);
constexpr std::chrono::milliseconds tidy_delay(5000);

int exit_status(std::optional<int> wait_status) {
    if (!wait_status) return unknown_status;
    if (WIFSIGNALED(*wait_status)) return 128 + WTERMSIG(*wait_status);
    return WEXITSTATUS(*wait_status);
}

}  // namespace

struct Supervisor::Process {
    Process(Task& owner, std::string exec) : task(owner), exec_id(std::move(exec)) {}
    Task& task;
    std::string exec_id;  ///< empty: the task's main process
    std::optional<os::Process> handle;
    int pid = 0;
    TaskStatus status = TaskStatus::created;
    bool ending = false;  ///< has ended, but its output is still being drained
    std::optional<TaskExit> exit;
    std::unique_ptr<ProcessIo> io;   ///< none when adopted
    std::unique_ptr<ExecSpec> spec;  ///< of an exec that has not started
};

struct Supervisor::Task {
    Task(std::string name, std::filesystem::path path)
        : id(std::move(name)), bundle(std::move(path)), main(*this, {}) {}
    std::string id;
    std::filesystem::path bundle;
    Process main;
    std::map<std::string, std::unique_ptr<Process>> execs;
    /// Output of removed execs that background processes still hold; closing it would kill them.
    std::vector<std::unique_ptr<ProcessIo>> leftovers;
};

Supervisor::Supervisor(os::Poller& poller, runtime::Runtime& runtime)
    : poller_(poller), runtime_(runtime), scratch_(scratch_size), io_loop_{poller, scratch_} {
    os::become_subreaper();
    for (const runtime::State& state : runtime_.list()) adopt(state);
}

Supervisor::~Supervisor() = default;

void Supervisor::adopt(const runtime::State& state) {
    auto adopted = std::make_unique<Task>(state.id, state.bundle);
    Process& main = adopted->main;
    main.pid = state.pid;
    tasks_.emplace(state.id, std::move(adopted));
    if (auto exit = load_exit(state.bundle, state.id)) {
        main.pid = exit->pid;
        main.status = TaskStatus::stopped;
        main.exit = std::move(exit);
        return;
    }
    const bool alive = state.pid != 0 && state.status != runtime::Status::stopped &&
                       state.status != runtime::Status::creating;
    try {
        if (!alive) return ended(main, unknown_status);
        main.handle = os::Process::open(state.pid);
        main.status = state.status == runtime::Status::created  ? TaskStatus::created
                      : state.status == runtime::Status::paused ? TaskStatus::paused
                                                                : TaskStatus::running;
        watch(main);
        log::info("task {} adopted: process {} is running without stdio", state.id, state.pid);
    } catch (const Error& e) {
        log::warn("adopt task {}: {}", state.id, e.message());
        ended(main, unknown_status);
    }
}

Supervisor::Task& Supervisor::task(const std::string& id) const {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) throw Error(ErrorKind::not_found, "no such task: {}", id);
    return *found->second;
}

Supervisor::Process& Supervisor::process(const std::string& id, const std::string& exec_id) const {
    Task& owner = task(id);
    if (exec_id.empty()) return owner.main;
    const auto found = owner.execs.find(exec_id);
    if (found == owner.execs.end()) throw Error(ErrorKind::not_found, "no such exec: {}", exec_id);
    return *found->second;
}

int Supervisor::create(const TaskSpec& spec) { return create_task(spec, false); }
int Supervisor::launch(const TaskSpec& spec) { return create_task(spec, true); }

int Supervisor::create_task(const TaskSpec& spec, bool start) {
    if (tasks_.contains(spec.id))
        throw Error(ErrorKind::already_exists, "task {} exists already", spec.id);
    auto created = std::make_unique<Task>(spec.id, spec.bundle);
    Process& main = created->main;
    // Taken out before anything can fail: clients waiting for a task that cannot be made are let
    // go.
    auto early = early_.extract(spec.id);
    main.io = early.empty() ? std::make_unique<ProcessIo>(io_loop_) : std::move(early.mapped());
    main.io->on_deserted = nullptr;

    runtime::CreateRequest request;
    request.id = spec.id;
    request.bundle = spec.bundle;
    request.rootfs = spec.rootfs;
    request.stdio = main.io->prepare({spec.terminal, spec.open_stdin, spec.stdin_once, spec.log});
    remove_exit(spec.bundle);
    auto started = start ? runtime_.run(std::move(request)) : runtime_.create(std::move(request));
    Defer undo([&] { abandon(main); });
    began(main, std::move(started));
    undo.dismiss();
    if (start) main.status = TaskStatus::running;
    return tasks_.emplace(spec.id, std::move(created)).first->second->main.pid;
}

/// The process is there: from here on it is waited for and its stdio flows.
void Supervisor::began(Process& process, runtime::Started started) {
    process.pid = started.pid;
    process.handle.emplace(started.pid, std::move(started.process));
    watch(process);
    process.io->begin(std::move(started.console));
}

/// Undoes what the runtime has started, when we cannot keep it.
void Supervisor::abandon(Process& process) {
    try {
        if (process.handle) {
            poller_.forget_exit(process.handle->fd(), process.pid);
            process.handle->signal(SIGKILL);
        }
        if (process.exec_id.empty()) runtime_.remove(process.task.id, true);
    } catch (const Error& e) {
        log::warn("undo the start of {}: {}", process.task.id, e.message());
    }
}

void Supervisor::watch(Process& process) {
    poller_.watch_exit(
        process.handle->fd(), process.pid,
        [this, &process](std::optional<int> status) { ended(process, exit_status(status)); });
}

int Supervisor::start(const std::string& id, const std::string& exec_id) {
    Process& started = process(id, exec_id);
    if (started.status != TaskStatus::created || started.ending) {
        throw Error(ErrorKind::failed_precondition, "{} has been started already",
                    exec_id.empty() ? id : exec_id);
    }
    if (!exec_id.empty()) return start_exec(started.task, started);
    runtime_.start(id);
    started.status = TaskStatus::running;
    return started.pid;
}

void Supervisor::exec(const ExecSpec& spec) {
    Task& owner = task(spec.id);
    if (owner.execs.contains(spec.exec_id)) {
        throw Error(ErrorKind::already_exists, "exec {} exists already", spec.exec_id);
    }
    auto created = std::make_unique<Process>(owner, spec.exec_id);
    created->io = std::make_unique<ProcessIo>(io_loop_);
    created->spec = std::make_unique<ExecSpec>(spec);
    owner.execs.emplace(spec.exec_id, std::move(created));
}

int Supervisor::start_exec(Task& owner, Process& process) {
    if (owner.main.ending || owner.main.status == TaskStatus::stopped) {
        throw Error(ErrorKind::failed_precondition, "container {} is not running", owner.id);
    }
    const ExecSpec& spec = *process.spec;
    runtime::ExecRequest request;
    request.process = oci::process_from_json(spec.process_json);
    request.stdio = process.io->prepare({spec.terminal, spec.open_stdin, spec.stdin_once, {}});
    auto started = runtime_.exec(owner.id, std::move(request));
    Defer undo([&] { abandon(process); });
    began(process, std::move(started));
    undo.dismiss();
    process.status = TaskStatus::running;
    process.spec.reset();
    return process.pid;
}

void Supervisor::ended(Process& process, int status) {
    TaskExit exit{process.task.id, process.exec_id, process.pid, status, now(), false};
    process.ending = true;
    process.handle.reset();
    if (!process.io) return report(process, std::move(exit));
    process.io->finish([this, &process, exit = std::move(exit)] { report(process, exit); });
}

/// Told before it is recorded: whoever is there acts on it meanwhile, and one who asks for more
/// waits until we are back in the loop.
void Supervisor::report(Process& process, TaskExit exit) {
    const bool main = process.exec_id.empty();
    const auto attempt = [&](const auto& action) {
        if (!main) return;
        try {
            action();
        } catch (const Error& e) {
            log::warn("record the exit of task {}: {}", exit.id, e.message());
        }
    };
    attempt([&] { exit.oom_killed = runtime_.oom_killed(exit.id); });
    process.status = TaskStatus::stopped;
    process.exit = exit;
    if (on_exit) on_exit(exit);
    attempt([&] { save_exit(process.task.bundle, exit); });
}

void Supervisor::kill(const std::string& id, const std::string& exec_id, int signal, bool all) {
    Process& target = process(id, exec_id);
    if (!target.handle) {
        throw Error(ErrorKind::failed_precondition, "{} is not running",
                    exec_id.empty() ? id : exec_id);
    }
    if (exec_id.empty()) return runtime_.kill(id, signal, all);
    target.handle->signal(signal);
}

void Supervisor::resize(const std::string& id, const std::string& exec_id, ConsoleSize size) {
    Process& target = process(id, exec_id);
    if (!target.io) throw Error(ErrorKind::failed_precondition, "process has lost its terminal");
    target.io->resize(size);
}

void Supervisor::close_stdin(const std::string& id, const std::string& exec_id) {
    if (auto& io = process(id, exec_id).io) io->close_stdin();
}

void Supervisor::pause(const std::string& id) {
    Task& target = task(id);
    runtime_.pause(id);
    target.main.status = TaskStatus::paused;
}

void Supervisor::resume(const std::string& id) {
    Task& target = task(id);
    runtime_.resume(id);
    target.main.status = TaskStatus::running;
}

TaskExit Supervisor::remove(const std::string& id, const std::string& exec_id) {
    Process& target = process(id, exec_id);
    if (target.status != TaskStatus::stopped && target.status != TaskStatus::created) {
        throw Error(ErrorKind::failed_precondition, "{} is running",
                    exec_id.empty() ? id : exec_id);
    }
    Task& owner = target.task;
    if (!exec_id.empty()) return remove_exec(owner, target);

    runtime_.remove(id, true);
    remove_exit(owner.bundle);
    TaskExit exit =
        target.exit.value_or(TaskExit{id, {}, target.pid, unknown_status, now(), false});
    if (target.handle) poller_.forget_exit(target.handle->fd(), target.pid);
    for (auto& [name, exec] : owner.execs) {
        if (exec->handle) poller_.forget_exit(exec->handle->fd(), exec->pid);
    }
    tasks_.erase(id);
    reap_orphans_soon();
    tidy_soon();
    return exit;
}

TaskExit Supervisor::remove_exec(Task& owner, Process& process) {
    TaskExit exit = process.exit.value_or(
        TaskExit{owner.id, process.exec_id, process.pid, unknown_status, now(), false});
    std::erase_if(owner.leftovers, [](const auto& io) { return io->drained(); });
    if (process.io && !process.io->drained()) owner.leftovers.push_back(std::move(process.io));
    owner.execs.erase(exit.exec_id);
    return exit;
}

TaskState Supervisor::state(const std::string& id, const std::string& exec_id) const {
    const Process& found = process(id, exec_id);
    return {id, exec_id, found.task.bundle, found.pid, found.status, found.exit};
}

std::vector<TaskState> Supervisor::list() const {
    std::vector<TaskState> states;
    for (const auto& [id, task] : tasks_) {
        states.push_back(state(id, {}));
        for (const auto& [exec_id, exec] : task->execs) states.push_back(state(id, exec_id));
    }
    return states;
}

void Supervisor::check_attachable(const std::string& id, const std::string& exec_id) const {
    if (exec_id.empty() && !tasks_.contains(id)) return;
    const Process& target = process(id, exec_id);
    if (target.status == TaskStatus::stopped) {
        throw Error(ErrorKind::failed_precondition, "{} has ended", exec_id.empty() ? id : exec_id);
    }
    if (!target.io) {
        throw Error(ErrorKind::failed_precondition,
                    "task {} has lost its stdio, since its shim was restarted", id);
    }
}

void Supervisor::attach(const std::string& id, const std::string& exec_id, Hijacked connection,
                        AttachOptions options) {
    if (!exec_id.empty() || tasks_.contains(id)) {
        return process(id, exec_id).io->attach(std::move(connection), std::move(options));
    }
    auto& io = early_[id];
    if (!io) {
        io = std::make_unique<ProcessIo>(io_loop_);
        io->on_deserted = [this, id] { early_.erase(id); };
    }
    io->attach(std::move(connection), std::move(options));
}

void Supervisor::reap_orphans_soon() {
    if (std::exchange(reaping_soon_, true)) return;
    poller_.call_after(reap_delay, [this] {
        reaping_soon_ = false;
        reap_orphans();
    });
}

/// When containers have stopped coming and going for a while.
void Supervisor::tidy_soon() {
    poller_.cancel(tidying_);
    tidying_ = poller_.call_after(tidy_delay, os::return_free_memory);
}

void Supervisor::reap_orphans() {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        // One that is waited for is reaped by the poller in its next round: its status is needed.
        if (is_ours(info.si_pid)) return reap_orphans_soon();
        ::waitpid(info.si_pid, nullptr, WNOHANG);
    }
}

bool Supervisor::is_ours(pid_t pid) const {
    return std::ranges::any_of(tasks_, [pid](const auto& entry) {
        const Task& task = *entry.second;
        return (task.main.handle && task.main.pid == pid) ||
               std::ranges::any_of(task.execs, [pid](const auto& exec) {
                   return exec.second->handle && exec.second->pid == pid;
               });
    });
}

}  // namespace brig::shim
