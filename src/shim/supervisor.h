// All tasks of one shim: the parent of their processes, the keeper of their stdio and of how they
// ended. Single-threaded, driven by the poller and by calls from the service.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/poller.h"
#include "os/process.h"
#include "runtime/runtime.h"
#include "shim/process_io.h"
#include "shim/types.h"

namespace brig::shim {

class Supervisor {
public:
    /// Takes over what the runtime's state names (see client.h on a restarted shim). From now on
    /// orphaned descendants are adopted and reaped, and SIGCHLD belongs to the poller.
    Supervisor(os::Poller& poller, runtime::Runtime& runtime);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Called with every exit, after the process's output is drained and the exit is recorded.
    std::function<void(const TaskExit&)> on_exit;

    /// These are the calls of Client, with its contracts.
    int create(const TaskSpec& spec);
    int start(const std::string& id, const std::string& exec_id);
    int launch(const TaskSpec& spec);
    void exec(const ExecSpec& spec);
    void kill(const std::string& id, const std::string& exec_id, int signal, bool all);
    void resize(const std::string& id, const std::string& exec_id, ConsoleSize size);
    void close_stdin(const std::string& id, const std::string& exec_id);
    void pause(const std::string& id);
    void resume(const std::string& id);
    TaskExit remove(const std::string& id, const std::string& exec_id);
    [[nodiscard]] TaskState state(const std::string& id, const std::string& exec_id) const;
    /// Every process of every task.
    [[nodiscard]] std::vector<TaskState> list() const;

    /// Throws what would keep attach() from working, while the caller can still be told.
    void check_attachable(const std::string& id, const std::string& exec_id) const;
    /// The connection ends with an end of file when the process can no longer be attached to.
    void attach(const std::string& id, const std::string& exec_id, Hijacked connection,
                AttachOptions options);

    [[nodiscard]] bool empty() const { return tasks_.empty(); }
    /// SIGCHLD came: reaps, a little later, children that nobody waits for.
    void reap_orphans_soon();

private:
    struct Process;
    struct Task;

    [[nodiscard]] Task& task(const std::string& id) const;
    [[nodiscard]] Process& process(const std::string& id, const std::string& exec_id) const;
    void adopt(const runtime::State& state);
    int create_task(const TaskSpec& spec, bool start);
    int start_exec(Task& task, Process& process);
    void began(Process& process, runtime::Started started);
    void abandon(Process& process);
    void watch(Process& process);
    void ended(Process& process, int status);
    void report(Process& process, TaskExit exit);
    TaskExit remove_exec(Task& task, Process& process);
    void reap_orphans();
    void tidy_soon();
    [[nodiscard]] bool is_ours(pid_t pid) const;

    os::Poller& poller_;
    runtime::Runtime& runtime_;
    std::vector<char> scratch_;
    IoLoop io_loop_;
    std::map<std::string, std::unique_ptr<Task>> tasks_;
    /// Clients that attached before the task was created.
    std::map<std::string, std::unique_ptr<ProcessIo>> early_;
    bool reaping_soon_ = false;
    os::Poller::TimerId tidying_ = 0;
};

}  // namespace brig::shim
