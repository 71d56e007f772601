// The engine's inside: the parts it was made of, the containers, and one function per step of their
// life, in the .cpp file of that activity.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/worker_pool.h"
#include "engine/account_cache.h"
#include "engine/container.h"
#include "engine/container_table.h"
#include "engine/engine.h"
#include "engine/spec.h"
#include "engine/timers.h"
#include "image/store.h"
#include "network/network.h"
#include "os/memory.h"
#include "shim/types.h"

namespace brig::engine {

/// One `docker exec`. Fields after `config` are guarded by Impl::exec_mutex.
struct Exec {
    std::string id;
    std::string container_id;
    ExecConfig config;
    enum class Phase { created, running, ended } phase = Phase::created;
    int pid = 0;
    int exit_code = 0;
};

class TaskRunner;
struct RootView;

/// What the shim's events come through: closed before the engine goes, while the client may live
/// on.
struct EventGate {
    std::mutex mutex;
    Engine::Impl* engine = nullptr;
};

struct Engine::Impl {
    explicit Impl(Parts from);
    ~Impl();

    // Names and places.
    [[nodiscard]] std::filesystem::path files_of(const std::string& id) const;
    [[nodiscard]] std::filesystem::path log_of(const std::string& id) const;
    [[nodiscard]] std::filesystem::path bundle_of(const std::string& id) const;
    /// Mounted while a container runs whose /dev/shm others may join.
    [[nodiscard]] std::filesystem::path shared_memory_of(const std::string& id) const {
        return bundle_of(id) / "shm";
    }
    [[nodiscard]] std::filesystem::path profiles() const;
    static std::string snapshot_of(const std::string& id) { return "container-" + id; }
    void publish(const Record& record, const std::string& action,
                 std::map<std::string, std::string> attributes = {});

    // create.cpp
    Created create(const CreateRequest& request);
    Record make_record(const CreateRequest& request, const image::Image& image);

    // start.cpp; the container's `operation` is held
    void start_locked(Container& container);
    void launch(Container& container);
    void note_start(Container& container);
    std::optional<network::Endpoint> prepare_network(const Record& record, SpecInputs& inputs);
    int run_task(const Record& record, std::optional<network::Endpoint> endpoint);
    ResolvedUser user_of(const Record& record);
    void populate(Container& container, const Record& record);

    // exit.cpp
    void on_task_exit(const shim::TaskExit& exit);
    void handle_exit(const shim::TaskExit& exit);
    void finish_locked(Container& container, const shim::TaskExit& exit);
    void take_down(const std::string& id);
    void remove_bundle(const std::string& id);
    void release_task(const std::string& id);
    void schedule_restart(const ContainerPtr& container, std::chrono::milliseconds delay);
    void fire_waiters(Container& container, bool removed);

    // stop.cpp
    bool stop(const ContainerPtr& container, std::optional<int> signal, std::optional<int> timeout);
    void await_start(Container& container);
    void signal_task(Container& container, int signal);
    bool await_exit(Container& container, std::optional<std::chrono::seconds> limit);
    void kill_and_await(Container& container);

    // remove.cpp
    void remove(const ContainerPtr& container, bool force, bool volumes);
    void remove_locked(Container& container, bool volumes);

    // recovery.cpp
    void recover();
    void reconcile();

    // exec.cpp
    std::shared_ptr<Exec> add_exec(const ContainerPtr& container, const ExecConfig& config);
    Attached start_exec(const std::string& exec_id, const ExecStart& options);
    std::shared_ptr<Exec> find_exec(const std::string& id);
    void exec_ended(const std::string& exec_id, int status);

    // health.cpp
    void watch_health(const ContainerPtr& container);
    void schedule_probe(const ContainerPtr& container, std::uint64_t run);
    void probe(const ContainerPtr& container, std::uint64_t run);
    Probe run_probe(const ContainerPtr& container, const Strings& command);
    void note_probe(Container& container, std::uint64_t run, Probe result);

    // archive.cpp
    std::shared_ptr<RootView> view(const Record& record);

    // namespaces.cpp
    /// Of the user namespace that the container's processes are in.
    [[nodiscard]] archive::OwnerMap owners_of(const Record& record) const;
    void join_users(const Record& other, std::string_view what, SpecInputs& inputs) const;
    Record donor(const std::string& id, std::string_view what);
    void join_network(const std::string& id, SpecInputs& inputs);
    void join_namespaces(const Record& record, SpecInputs& inputs);

    // images_in_use.cpp
    std::vector<image::ImageUser> image_users();

    // inspect.cpp, list.cpp
    nlohmann::json inspect(const Record& record, bool size);
    nlohmann::json summary(const Record& record, bool size);

    Parts parts;
    EventBus bus;
    ContainerTable table;
    AccountCache accounts;
    std::mutex exec_mutex;
    std::condition_variable exec_changed;  ///< with `exec_mutex`: one has ended
    std::map<std::string, std::shared_ptr<Exec>> execs;
    Instant started = now();
    std::atomic<bool> ending = false;  ///< the system goes down: nothing is restarted any more
    std::unique_ptr<TaskRunner> runner;
    std::shared_ptr<EventGate> gate = std::make_shared<EventGate>();
    Timers timers;
    std::atomic<bool> closing = false;
    /// Health checks that hang must not keep exits waiting.
    WorkerPool probes{16};
    /// Last: its destructor waits for work that uses the rest.
    WorkerPool background{32, os::return_free_memory};
};

int stop_signal_of(const Record& record);
/// How long the container may take to end by it when nobody waits for ever.
std::chrono::seconds stop_timeout_of(const Record& record);
/// Docker's wording for actions on a container that is not running.
Error not_running(const Container& container);

}  // namespace brig::engine
