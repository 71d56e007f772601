// See client.h. Calls take an idle connection or open one; events have a connection and a thread
// of their own.
#include "shim/client.h"

#include <mutex>
#include <utility>

#include "base/error.h"
#include "shim/channel.h"
#include "shim/event_stream.h"
#include "shim/launcher.h"
#include "shim/wire.h"

namespace brig::shim {
namespace {

constexpr std::string_view task_service = "containerd.task.v2.Task";
constexpr std::string_view shim_service = "brig.shim.v1.Shim";
constexpr std::size_t max_idle = 8;

template <typename Message>
Message parse(const std::string& payload) {
    Message message;
    if (!message.ParseFromString(payload))
        throw Error(ErrorKind::internal, "malformed answer of brig-shim");
    return message;
}

template <typename Message>
Message addressed(const std::string& id, const std::string& exec_id) {
    Message message;
    message.set_id(id);
    message.set_exec_id(exec_id);
    return message;
}

class RpcClient final : public Client {
public:
    explicit RpcClient(Options options) : options_(std::move(options)) {
        idle_.push_back(connect_new());
    }

    void subscribe(Callbacks callbacks) override {
        if (events_)
            throw Error(ErrorKind::failed_precondition,
                        "the shim's events are subscribed to already");
        events_ =
            std::make_unique<EventStream>([this] { return connect_new(); }, std::move(callbacks));
    }

    int create(const TaskSpec& spec) override {
        return pid_of(call(task_service, "Create", to_wire(spec)));
    }
    int launch(const TaskSpec& spec) override {
        return pid_of(call(shim_service, "Launch", to_wire(spec)));
    }
    int start(const std::string& id, const std::string& exec_id) override {
        return pid_of(call(task_service, "Start", addressed<task_v2::StartRequest>(id, exec_id)));
    }
    void exec(const ExecSpec& spec) override { call(shim_service, "Exec", to_wire(spec)); }

    ExecStarted exec_start(const ExecSpec& spec,
                           const std::optional<AttachOptions>& attach) override {
        auto request = to_wire(spec);
        if (!attach) return {pid_of(call(shim_service, "ExecStart", request)), Fd()};
        *request.mutable_attach() = to_wire(spec.id, spec.exec_id, *attach);
        Channel channel = send("ExecStart", request);
        const int pid = pid_of(channel.receive(true));
        return {pid, channel.release()};
    }

    Fd attach(const std::string& id, const std::string& exec_id,
              const AttachOptions& options) override {
        Channel channel = send("Attach", to_wire(id, exec_id, options));
        channel.receive(true);
        return channel.release();
    }

    void kill(const std::string& id, const std::string& exec_id, int signal, bool all) override {
        auto request = addressed<task_v2::KillRequest>(id, exec_id);
        request.set_signal(static_cast<std::uint32_t>(signal));
        request.set_all(all);
        call(task_service, "Kill", request);
    }
    void resize(const std::string& id, const std::string& exec_id, ConsoleSize size) override {
        auto request = addressed<task_v2::ResizePtyRequest>(id, exec_id);
        request.set_width(size.width);
        request.set_height(size.height);
        call(task_service, "ResizePty", request);
    }
    void close_stdin(const std::string& id, const std::string& exec_id) override {
        auto request = addressed<task_v2::CloseIORequest>(id, exec_id);
        request.set_stdin(true);
        call(task_service, "CloseIO", request);
    }
    void pause(const std::string& id) override {
        task_v2::PauseRequest request;
        request.set_id(id);
        call(task_service, "Pause", request);
    }
    void resume(const std::string& id) override {
        task_v2::ResumeRequest request;
        request.set_id(id);
        call(task_service, "Resume", request);
    }
    void update(const std::string& id, const std::string& resources_json) override {
        task_v2::UpdateTaskRequest request;
        request.set_id(id);
        request.mutable_resources()->set_type_url(
            "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources");
        request.mutable_resources()->set_value(resources_json);
        call(task_service, "Update", request);
    }

    TaskExit wait(const std::string& id, const std::string& exec_id) override {
        return from_wire(parse<v1::Exit>(
            call(shim_service, "Wait", addressed<task_v2::WaitRequest>(id, exec_id))));
    }
    TaskExit remove(const std::string& id, const std::string& exec_id) override {
        return from_wire(parse<v1::Exit>(
            call(shim_service, "Delete", addressed<task_v2::DeleteRequest>(id, exec_id))));
    }

    TaskState state(const std::string& id, const std::string& exec_id) override {
        return from_wire(parse<v1::Process>(
            call(shim_service, "State", addressed<task_v2::StateRequest>(id, exec_id))));
    }
    std::vector<TaskState> list() override {
        const auto response = parse<v1::ListResponse>(call(shim_service, "List", task_v2::Empty()));
        std::vector<TaskState> states;
        for (const auto& process : response.processes()) states.push_back(from_wire(process));
        return states;
    }
    std::vector<int> pids(const std::string& id) override {
        task_v2::PidsRequest request;
        request.set_id(id);
        const auto response = parse<task_v2::PidsResponse>(call(task_service, "Pids", request));
        std::vector<int> pids;
        for (const auto& process : response.processes())
            pids.push_back(static_cast<int>(process.pid()));
        return pids;
    }
    TaskStats stats(const std::string& id) override {
        task_v2::StatsRequest request;
        request.set_id(id);
        const auto response = parse<task_v2::StatsResponse>(call(task_service, "Stats", request));
        return from_wire(parse<v1::Stats>(response.stats().value()));
    }

    int shim_pid() override {
        const auto payload = call(task_service, "Connect", task_v2::ConnectRequest());
        return static_cast<int>(parse<task_v2::ConnectResponse>(payload).shim_pid());
    }
    bool shutdown() override {
        // Told before, or it would start the shim again when the connection ends.
        if (events_) events_->rest(true);
        const auto payload = call(shim_service, "Shutdown", task_v2::Empty());
        const bool ending = parse<v1::ShutdownResponse>(payload).ending();
        if (events_ && !ending) events_->rest(false);
        const std::lock_guard lock(mutex_);
        if (ending) idle_.clear();
        return ending;
    }

private:
    /// Any method's response with a pid in field 1.
    static int pid_of(const std::string& payload) {
        return static_cast<int>(parse<task_v2::StartResponse>(payload).pid());
    }

    Channel connect_new() {
        return Channel(connect_or_start(options_.run_dir, options_.shim_program));
    }

    /// A request of brig.shim.v1 on a connection of its own.
    template <typename Request>
    Channel send(std::string_view method, const Request& request) {
        Channel channel = connect_new();
        if (!channel.send(shim_service, method, request.SerializeAsString())) {
            throw Error(ErrorKind::unavailable, "brig-shim went away");
        }
        return channel;
    }

    template <typename Request>
    std::string call(std::string_view service, std::string_view method, const Request& request) {
        std::string payload = request.SerializeAsString();
        std::optional<Channel> channel = take_idle();
        if (!channel || !channel->send(service, method, payload)) {
            channel = connect_new();
            if (events_) events_->rest(false);
            if (!channel->send(service, method, std::move(payload))) {
                throw Error(ErrorKind::unavailable, "brig-shim went away");
            }
        }
        try {
            std::string answer = channel->receive();
            give_back(std::move(*channel));
            return answer;
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::unavailable) give_back(std::move(*channel));
            throw;
        }
    }

    std::optional<Channel> take_idle() {
        const std::lock_guard lock(mutex_);
        if (idle_.empty()) return std::nullopt;
        std::optional<Channel> channel(std::move(idle_.back()));
        idle_.pop_back();
        return channel;
    }
    void give_back(Channel channel) {
        const std::lock_guard lock(mutex_);
        if (idle_.size() < max_idle) idle_.push_back(std::move(channel));
    }

    const Options options_;
    std::mutex mutex_;
    std::vector<Channel> idle_;
    std::unique_ptr<EventStream> events_;
};

}  // namespace

std::unique_ptr<Client> Client::connect(Options options) {
    return std::make_unique<RpcClient>(std::move(options));
}

}  // namespace brig::shim
