// A supervisor in memory: tasks that end when the test says so.
#pragma once

#include <unistd.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/fd.h"
#include "shim/client.h"

namespace brig::engine::testing {

class FakeTasks : public shim::Client {
public:
    struct Task {
        shim::TaskSpec spec;
        shim::TaskState state;
    };

    // What the test does and sees.
    void end(const std::string& id, int status) {
        shim::TaskExit exit;
        std::function<void(const shim::TaskExit&)> tell;
        {
            const std::lock_guard lock(mutex_);
            auto& task = tasks_.at(id);
            exit = {id, "", task.state.pid, status, now(), false};
            task.state.status = shim::TaskStatus::stopped;
            task.state.exit = exit;
            tell = callbacks_.on_exit;
        }
        if (tell) tell(exit);
    }
    /// The engine dies: nobody hears of exits any more.
    void disconnect() {
        const std::lock_guard lock(mutex_);
        callbacks_ = {};
    }
    void add(const std::string& id, shim::TaskStatus status, std::optional<int> exit_status = {}) {
        const std::lock_guard lock(mutex_);
        Task task;
        task.state = {id, "", "", ++last_pid_, status, {}};
        if (exit_status)
            task.state.exit = shim::TaskExit{id, "", task.state.pid, *exit_status, now(), false};
        tasks_[id] = task;
    }
    /// The shim was killed and another one has been started.
    void reconnect() {
        std::function<void()> tell;
        {
            const std::lock_guard lock(mutex_);
            tell = callbacks_.on_reconnect;
        }
        if (tell) tell();
    }
    bool has(const std::string& id) {
        const std::lock_guard lock(mutex_);
        return tasks_.contains(id);
    }
    std::vector<int> signals_of(const std::string& id) {
        const std::lock_guard lock(mutex_);
        return signals_[id];
    }
    std::optional<Error> next_launch_fails;
    /// What an exec ends with: its status and a short output. Absent: it cannot be started.
    std::function<std::pair<int, std::string>(const shim::ExecSpec&)> on_exec;
    bool ignores_term = false;

    // shim::Client.
    void subscribe(shim::Callbacks callbacks) override {
        const std::lock_guard lock(mutex_);
        callbacks_ = std::move(callbacks);
    }
    int create(const shim::TaskSpec& spec) override { return launch(spec); }
    int start(const std::string& id, const std::string&) override { return get(id).state.pid; }
    int launch(const shim::TaskSpec& spec) override {
        const std::lock_guard lock(mutex_);
        if (next_launch_fails) throw Error(*std::exchange(next_launch_fails, std::nullopt));
        if (tasks_.contains(spec.id))
            throw Error(ErrorKind::already_exists, "task {} exists", spec.id);
        tasks_[spec.id] = {spec,
                           {spec.id, "", spec.bundle, next_pid(), shim::TaskStatus::running, {}}};
        return last_pid_;
    }
    void exec(const shim::ExecSpec&) override {}
    shim::ExecStarted exec_start(const shim::ExecSpec& spec,
                                 const std::optional<shim::AttachOptions>&) override {
        if (!on_exec)
            throw Error(ErrorKind::not_found, "exec: \"foo\": executable file not found in $PATH");
        const auto [status, output] = on_exec(spec);
        auto pair = make_socket_pair();
        std::string frame("\1\0\0\0\0\0\0", 7);
        frame += static_cast<char>(output.size());
        write_all(pair.second.get(), frame + output);
        std::function<void(const shim::TaskExit&)> tell;
        {
            const std::lock_guard lock(mutex_);
            tell = callbacks_.on_exit;
        }
        if (tell) tell({spec.id, spec.exec_id, 4711, status, now(), false});
        return {4711, std::move(pair.first)};
    }
    Fd attach(const std::string&, const std::string&, const shim::AttachOptions&) override {
        return make_socket_pair().first;
    }
    void kill(const std::string& id, const std::string&, int signal, bool) override {
        {
            const std::lock_guard lock(mutex_);
            const auto found = tasks_.find(id);
            if (found == tasks_.end()) throw Error(ErrorKind::not_found, "no such task: {}", id);
            signals_[id].push_back(signal);
            if (found->second.state.status == shim::TaskStatus::stopped) return;
        }
        if (signal == 9 || (signal == 15 && !ignores_term)) end(id, 128 + signal);
    }
    void resize(const std::string&, const std::string&, shim::ConsoleSize) override {}
    void close_stdin(const std::string&, const std::string&) override {}
    void pause(const std::string&) override {}
    void resume(const std::string&) override {}
    void update(const std::string&, const std::string&) override {}
    shim::TaskExit wait(const std::string& id, const std::string&) override {
        return get(id).state.exit.value_or(shim::TaskExit{id, "", 0, 137, now(), false});
    }
    shim::TaskExit remove(const std::string& id, const std::string& exec_id) override {
        if (!exec_id.empty()) return {};
        const auto task = get(id);
        const std::lock_guard lock(mutex_);
        tasks_.erase(id);
        return task.state.exit.value_or(shim::TaskExit{id, "", 0, 0, now(), false});
    }
    shim::TaskState state(const std::string& id, const std::string&) override {
        return get(id).state;
    }
    std::vector<shim::TaskState> list() override {
        const std::lock_guard lock(mutex_);
        std::vector<shim::TaskState> out;
        for (const auto& [id, task] : tasks_) out.push_back(task.state);
        return out;
    }
    std::vector<int> pids(const std::string& id) override { return {get(id).state.pid}; }
    shim::TaskStats stats(const std::string&) override { return {}; }
    int shim_pid() override { return 1; }
    bool shutdown() override { return true; }

private:
    /// With `on_exec`, one whose root can be looked into: ours.
    int next_pid() { return last_pid_ = on_exec ? static_cast<int>(::getpid()) : last_pid_ + 1; }
    Task get(const std::string& id) {
        const std::lock_guard lock(mutex_);
        const auto found = tasks_.find(id);
        if (found == tasks_.end()) throw Error(ErrorKind::not_found, "no such task: {}", id);
        return found->second;
    }

    std::mutex mutex_;
    std::map<std::string, Task> tasks_;
    std::map<std::string, std::vector<int>> signals_;
    shim::Callbacks callbacks_;
    int last_pid_ = 1000;
};

}  // namespace brig::engine::testing
