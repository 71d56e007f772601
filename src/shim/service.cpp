// See service.h. One function per method, and the table that names them.
#include "shim/service.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/version.h"
#include "shim/wire.h"

namespace brig::shim {
namespace {

template <typename Message>
Message parse(std::string_view payload) {
    Message message;
    if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        throw Error(ErrorKind::invalid_argument, "malformed {}", message.GetTypeName());
    }
    return message;
}

}  // namespace

struct Service::Methods {
    using Method = void (*)(Service&, std::string_view, Call);
    struct Entry {
        std::string_view name;
        Method method;
    };

    static void create(Service& s, std::string_view payload, Call call) {
        task_v2::CreateTaskResponse response;
        response.set_pid(
            s.supervisor_.create(from_wire(parse<task_v2::CreateTaskRequest>(payload))));
        call.reply(response.SerializeAsString());
    }

    static void launch(Service& s, std::string_view payload, Call call) {
        task_v2::CreateTaskResponse response;
        response.set_pid(
            s.supervisor_.launch(from_wire(parse<task_v2::CreateTaskRequest>(payload))));
        call.reply(response.SerializeAsString());
    }

    static void start(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::StartRequest>(payload);
        task_v2::StartResponse response;
        response.set_pid(s.supervisor_.start(request.id(), request.exec_id()));
        call.reply(response.SerializeAsString());
    }

    static void exec(Service& s, std::string_view payload, Call call) {
        s.supervisor_.exec(from_wire(parse<task_v2::ExecProcessRequest>(payload), {}));
        call.reply({});
    }

    static void brig_exec(Service& s, std::string_view payload, Call call) {
        const auto request = parse<v1::ExecStartRequest>(payload);
        s.supervisor_.exec(from_wire(request.exec(), request.io()));
        call.reply({});
    }

    static void exec_start(Service& s, std::string_view payload, Call call) {
        const auto request = parse<v1::ExecStartRequest>(payload);
        const ExecSpec spec = from_wire(request.exec(), request.io());
        s.supervisor_.exec(spec);
        task_v2::StartResponse response;
        try {
            response.set_pid(s.supervisor_.start(spec.id, spec.exec_id));
        } catch (...) {
            s.supervisor_.remove(spec.id, spec.exec_id);
            throw;
        }
        if (!request.has_attach()) return call.reply(response.SerializeAsString());
        // No output is read before the loop goes on, so this is early enough to miss nothing.
        s.supervisor_.attach(spec.id, spec.exec_id, call.hijack(response.SerializeAsString()),
                             from_wire(request.attach()));
    }

    static void attach(Service& s, std::string_view payload, Call call) {
        const auto request = parse<v1::AttachRequest>(payload);
        s.supervisor_.check_attachable(request.id(), request.exec_id());
        s.supervisor_.attach(request.id(), request.exec_id(), call.hijack({}), from_wire(request));
    }

    static void remove(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::DeleteRequest>(payload);
        const TaskExit exit = s.remove(request);
        task_v2::DeleteResponse response;
        response.set_pid(static_cast<std::uint32_t>(exit.pid));
        response.set_exit_status(static_cast<std::uint32_t>(exit.status));
        *response.mutable_exited_at() = to_wire(exit.at);
        call.reply(response.SerializeAsString());
    }

    static void brig_remove(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::DeleteRequest>(payload);
        call.reply(to_wire(s.remove(request)).SerializeAsString());
    }

    static void kill(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::KillRequest>(payload);
        s.supervisor_.kill(request.id(), request.exec_id(), static_cast<int>(request.signal()),
                           request.all());
        call.reply({});
    }

    static void resize(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::ResizePtyRequest>(payload);
        s.supervisor_.resize(request.id(), request.exec_id(),
                             {static_cast<std::uint16_t>(request.width()),
                              static_cast<std::uint16_t>(request.height())});
        call.reply({});
    }

    static void close_io(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::CloseIORequest>(payload);
        if (request.stdin()) s.supervisor_.close_stdin(request.id(), request.exec_id());
        call.reply({});
    }

    static void pause(Service& s, std::string_view payload, Call call) {
        s.supervisor_.pause(parse<task_v2::PauseRequest>(payload).id());
        call.reply({});
    }

    static void resume(Service& s, std::string_view payload, Call call) {
        s.supervisor_.resume(parse<task_v2::ResumeRequest>(payload).id());
        call.reply({});
    }

    static void update(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::UpdateTaskRequest>(payload);
        s.runtime_.update(request.id(), oci::resources_from_json(request.resources().value()));
        call.reply({});
    }

    static void stats(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::StatsRequest>(payload);
        task_v2::StatsResponse response;
        response.mutable_stats()->set_type_url("brig.shim.v1.Stats");
        response.mutable_stats()->set_value(
            to_wire(s.runtime_.stats(request.id())).SerializeAsString());
        call.reply(response.SerializeAsString());
    }

    static void pids(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::PidsRequest>(payload);
        task_v2::PidsResponse response;
        for (const pid_t pid : s.runtime_.processes(request.id())) {
            response.add_processes()->set_pid(static_cast<std::uint32_t>(pid));
        }
        call.reply(response.SerializeAsString());
    }

    static void state(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::StateRequest>(payload);
        const TaskState state = s.supervisor_.state(request.id(), request.exec_id());
        task_v2::StateResponse response;
        response.set_id(state.id);
        response.set_exec_id(state.exec_id);
        response.set_bundle(state.bundle.string());
        response.set_pid(static_cast<std::uint32_t>(state.pid));
        response.set_status(to_wire(state.status));
        if (state.exit) {
            response.set_exit_status(static_cast<std::uint32_t>(state.exit->status));
            *response.mutable_exited_at() = to_wire(state.exit->at);
        }
        call.reply(response.SerializeAsString());
    }

    static void brig_state(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::StateRequest>(payload);
        call.reply(
            to_wire(s.supervisor_.state(request.id(), request.exec_id())).SerializeAsString());
    }

    static void list(Service& s, std::string_view, Call call) {
        v1::ListResponse response;
        for (const TaskState& state : s.supervisor_.list())
            *response.add_processes() = to_wire(state);
        call.reply(response.SerializeAsString());
    }

    static void wait(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::WaitRequest>(payload);
        s.wait({request.id(), request.exec_id(), std::move(call), false});
    }

    static void brig_wait(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::WaitRequest>(payload);
        s.wait({request.id(), request.exec_id(), std::move(call), true});
    }

    static void events(Service& s, std::string_view, Call call) {
        for (const TaskState& state : s.supervisor_.list()) {
            if (state.exit) call.send(to_wire(*state.exit).SerializeAsString());
        }
        s.subscribers_.push_back(std::move(call));
    }

    static void connect(Service& s, std::string_view payload, Call call) {
        const auto request = parse<task_v2::ConnectRequest>(payload);
        task_v2::ConnectResponse response;
        response.set_shim_pid(static_cast<std::uint32_t>(::getpid()));
        response.set_version(std::string(version));
        if (!request.id().empty()) response.set_task_pid(s.supervisor_.state(request.id(), {}).pid);
        call.reply(response.SerializeAsString());
    }

    static void shutdown(Service& s, std::string_view, Call call) {
        v1::ShutdownResponse response;
        response.set_ending(s.supervisor_.empty());
        call.reply(response.SerializeAsString());
        if (response.ending()) s.stop_();
    }

    static const Entry* find(std::string_view name) {
        static constexpr std::array table{
            Entry{"containerd.task.v2.Task/State", state},
            Entry{"containerd.task.v2.Task/Create", create},
            Entry{"containerd.task.v2.Task/Start", start},
            Entry{"containerd.task.v2.Task/Delete", remove},
            Entry{"containerd.task.v2.Task/Pids", pids},
            Entry{"containerd.task.v2.Task/Pause", pause},
            Entry{"containerd.task.v2.Task/Resume", resume},
            Entry{"containerd.task.v2.Task/Kill", kill},
            Entry{"containerd.task.v2.Task/Exec", exec},
            Entry{"containerd.task.v2.Task/ResizePty", resize},
            Entry{"containerd.task.v2.Task/CloseIO", close_io},
            Entry{"containerd.task.v2.Task/Update", update},
            Entry{"containerd.task.v2.Task/Wait", wait},
            Entry{"containerd.task.v2.Task/Stats", stats},
            Entry{"containerd.task.v2.Task/Connect", connect},
            // Its response has no fields, so that the answer of ours is one of containerd's too.
            Entry{"containerd.task.v2.Task/Shutdown", shutdown},
            Entry{"brig.shim.v1.Shim/Launch", launch},
            Entry{"brig.shim.v1.Shim/Exec", brig_exec},
            Entry{"brig.shim.v1.Shim/ExecStart", exec_start},
            Entry{"brig.shim.v1.Shim/Attach", attach},
            Entry{"brig.shim.v1.Shim/List", list},
            Entry{"brig.shim.v1.Shim/State", brig_state},
            Entry{"brig.shim.v1.Shim/Wait", brig_wait},
            Entry{"brig.shim.v1.Shim/Delete", brig_remove},
            Entry{"brig.shim.v1.Shim/Events", events},
            Entry{"brig.shim.v1.Shim/Shutdown", shutdown},
        };
        const auto* entry = std::ranges::find(table, name, &Entry::name);
        return entry == table.end() ? nullptr : entry;
    }
};

Service::Service(Supervisor& supervisor, runtime::Runtime& runtime, std::function<void()> stop)
    : supervisor_(supervisor), runtime_(runtime), stop_(std::move(stop)) {
    supervisor_.on_exit = [this](const TaskExit& exit) { publish(exit); };
}

void Service::handle(std::string_view method, std::string_view payload, Call call) {
    const auto* entry = Methods::find(method);
    if (entry == nullptr)
        throw Error(ErrorKind::not_implemented, "the shim has no method {}", method);
    entry->method(*this, payload, std::move(call));
}

void Service::wait(Waiter waiter) {
    const TaskState state = supervisor_.state(waiter.id, waiter.exec_id);
    if (state.exit) return answer(waiter, *state.exit);
    std::erase_if(waiters_, [](const Waiter& other) { return !other.call.alive(); });
    waiters_.push_back(std::move(waiter));
}

/// Who waits for an end that never comes is told so.
TaskExit Service::remove(const task_v2::DeleteRequest& request) {
    TaskExit exit = supervisor_.remove(request.id(), request.exec_id());
    std::erase_if(waiters_, [&](Waiter& waiter) {
        const bool affected =
            waiter.id == exit.id && (exit.exec_id.empty() || waiter.exec_id == exit.exec_id);
        if (affected) waiter.call.fail(Error(ErrorKind::not_found, "{} was removed", waiter.id));
        return affected;
    });
    return exit;
}

void Service::answer(Waiter& waiter, const TaskExit& exit) {
    if (waiter.brig) return waiter.call.reply(to_wire(exit).SerializeAsString());
    task_v2::WaitResponse response;
    response.set_exit_status(static_cast<std::uint32_t>(exit.status));
    *response.mutable_exited_at() = to_wire(exit.at);
    waiter.call.reply(response.SerializeAsString());
}

void Service::publish(const TaskExit& exit) {
    std::erase_if(waiters_, [&](Waiter& waiter) {
        if (waiter.id != exit.id || waiter.exec_id != exit.exec_id) return false;
        answer(waiter, exit);
        return true;
    });
    std::erase_if(subscribers_, [](const Call& call) { return !call.alive(); });
    const std::string payload = to_wire(exit).SerializeAsString();
    for (Call& call : subscribers_) call.send(payload);
}

}  // namespace brig::shim
