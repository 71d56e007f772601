// The lifecycle. What makes it converge after kill -9 at any point: the record is written before
// anything is made that it must undo, and remove() goes by the record and by the control group, not
// by what a previous command may have finished.
#include "runtime/runtime.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/runtime_defaults.h"
#include "os/places.h"
#include "os/process.h"
#include "os/sandbox.h"
#include "os/socket_at.h"
#include "runtime/filter_listener.h"
#include "runtime/hooks.h"
#include "runtime/state_store.h"
#include "runtime/translate.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_shared_filters = 32;

Status status_of(const Entry& entry, const Record& record) {
    if (record.sandbox.pid == 0) return Status::creating;
    if (os::process_start_time(record.sandbox.pid) != record.sandbox.start_time)
        return Status::stopped;
    if (entry.waits_for_start()) return Status::created;
    return os::Limits::open(record.limits).frozen() ? Status::paused : Status::running;
}

State to_state(const Record& record, Status status) {
    State state;
    state.oci_version = record.oci_version;
    state.id = record.id;
    state.status = status;
    state.pid = status == Status::stopped ? 0 : record.sandbox.pid;
    state.bundle = record.bundle;
    state.rootfs = record.rootfs;
    state.created = record.created;
    state.annotations = record.annotations;
    return state;
}

/// The document hooks get on standard input.
std::string hook_state(const Record& record, Status status, pid_t pid) {
    nlohmann::json j = {{"ociVersion", record.oci_version},
                        {"id", record.id},
                        {"status", to_string(status)},
                        {"bundle", record.bundle.string()}};
    if (pid != 0) j["pid"] = pid;
    if (!record.annotations.empty()) j["annotations"] = record.annotations;
    return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

oci::RuntimeSpec load_spec(const fs::path& bundle) {
    try {
        return oci::runtime_spec_from_json(read_file(bundle / "config.json"));
    } catch (const SysError&) {
        throw;  // names the file already
    } catch (const Error& e) {
        throw e.within("config.json");
    }
}

os::StdioFds borrow(const Stdio& stdio) {
    return {stdio.in.get(), stdio.out.get(), stdio.err.get()};
}

os::SandboxCallbacks hook_callbacks(const oci::Hooks& hooks, const Record& record) {
    os::SandboxCallbacks callbacks;
    if (!hooks.prestart.empty() || !hooks.create_runtime.empty()) {
        callbacks.created = [&hooks, &record](pid_t pid) {
            const std::string state = hook_state(record, Status::creating, pid);
            run_hooks({"prestart", hooks.prestart, state});
            run_hooks({"createRuntime", hooks.create_runtime, state});
        };
    }
    if (!hooks.create_container.empty()) {
        callbacks.inside = [&] {
            run_hooks({"createContainer", hooks.create_container,
                       hook_state(record, Status::creating, ::getpid())});
        };
    }
    if (!hooks.start_container.empty()) {
        callbacks.before_start = [&](const std::vector<std::string>& environment) {
            run_hooks({"startContainer", hooks.start_container,
                       hook_state(record, Status::created, ::getpid()), environment});
        };
    }
    return callbacks;
}

/// Connects to who answers the filter's questions, if it asks any.
Fd settle_listener(const Record& record, const os::SyscallFilter& filter, Status status,
                   os::SandboxCallbacks& callbacks) {
    if (!filter.notifies() || record.listener.empty()) return {};
    Fd listener = connect_listener(record.listener);
    callbacks.filter_listener = listener.get();
    callbacks.listener_message = [&record, status](pid_t pid) {
        const pid_t container = record.sandbox.pid != 0 ? record.sandbox.pid : pid;
        return listener_message(hook_state(record, status, container), record.listener_metadata,
                                pid);
    };
    return listener;
}

/// Kills what no control group led to and returns when it is gone.
void end_process(const os::SandboxRef& sandbox) {
    using namespace std::chrono_literals;
    const auto alive = [&] {
        return sandbox.pid != 0 && os::process_start_time(sandbox.pid) == sandbox.start_time;
    };
    for (int i = 0; alive(); ++i) {
        if (i == 1000) {
            throw Error(ErrorKind::unavailable, "process {} of container {:?} does not end",
                        sandbox.pid, sandbox.id);
        }
        const os::Process process = os::Process::open(sandbox.pid);
        if (alive()) process.signal(SIGKILL);
        std::this_thread::sleep_for(10ms);
    }
}

void run_poststop_hooks(const oci::Hooks& hooks, const Record& record) {
    if (!hooks.poststop.empty())
        run_hooks_leniently({"poststop", hooks.poststop, hook_state(record, Status::stopped, 0)});
}

/// While it lives, signals that end a program by default do so. A pid namespace's first process is
/// spared those that it has no handler for, and a created container must not be.
class MortalWhileWaiting {
public:
    MortalWhileWaiting() {
        for (const int signal : signals)
            ::signal(signal, [](int number) { ::_exit(128 + number); });
    }
    ~MortalWhileWaiting() {
        for (const int signal : signals) ::signal(signal, SIG_DFL);
    }
    MortalWhileWaiting(const MortalWhileWaiting&) = delete;

private:
    static constexpr std::array signals{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
};

/// Runs in the child: blocks until start() says so. The gate's name goes first, so that nobody
/// takes a running container for a created one. Its directory comes with the word: a process that
/// waits, perhaps for days, holds nothing of the host's.
Fd await_start(int gate) {
    const MortalWhileWaiting mortal;
    for (;;) {
        Fd connection(::accept4(gate, nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection && errno == EINTR) continue;
        if (!connection) throw SysError("wait for the start");
        const auto directory = os::receive_go(connection.get());
        if (!directory) continue;  // a start that was killed before it could say it
        if (*directory) ::unlinkat(directory->get(), StateStore::gate, 0);
        return connection;
    }
}

}  // namespace

std::string_view to_string(Status status) {
    switch (status) {
        case Status::creating: return "creating";
        case Status::created: return "created";
        case Status::running: return "running";
        case Status::paused: return "paused";
        case Status::stopped: return "stopped";
    }
    return "unknown";
}

struct Runtime::Impl {
    explicit Impl(fs::path root) : store(std::move(root)) {}

    Started make(CreateRequest request, bool wait_for_start);
    os::SyscallFilter filter_for(const oci::RuntimeSpec& spec);
    os::SyscallFilter filter_of(const Record& record);
    Record running(const Entry& entry, const std::string& id) const;
    Record to_enter(const Entry& entry, const std::string& id, bool paused, Status& status) const;
    void undo(const Record& record, const Entry& entry) const;

    StateStore store;
    std::map<std::string, os::SyscallFilter> shared_filters;  ///< by the profile's file
};

Started Runtime::Impl::make(CreateRequest request, bool wait_for_start) {
    std::optional<oci::RuntimeSpec> loaded;
    if (request.spec == nullptr) request.spec = &loaded.emplace(load_spec(request.bundle));
    const oci::RuntimeSpec& document = *request.spec;
    const os::SandboxSpec spec = sandbox_spec(request.id, request.bundle, document, request.rootfs);
    if (!request.rootfs.empty()) make_directories(spec.root);

    const Entry entry = store.create(request.id);
    Record record{.id = request.id,
                  .oci_version = document.oci_version,
                  .bundle = request.bundle,
                  .rootfs = spec.root,
                  .created = now()};
    record.poststart_hooks = !document.hooks.poststart.empty();
    record.poststop_hooks = !document.hooks.poststop.empty();
    record.annotations = document.annotations;
    bool started = false;
    Defer clean_up([&] {
        try {
            undo(record, entry);
            // "Lifecycle", steps 12 and 13: also after a hook has failed.
            if (started) run_poststop_hooks(document.hooks, record);
        } catch (const Error& e) {
            log::warn("cannot clean up after the failure to create {}: {}", record.id, e.message());
        }
    });

    const os::SyscallFilter filter = filter_for(document);
    record.filter = filter.key();
    if (spec.linux_settings.seccomp) {
        record.listener = spec.linux_settings.seccomp->listener_path;
        record.listener_metadata = spec.linux_settings.seccomp->listener_metadata;
    }
    const bool jail = os::sandbox_kind() == os::SandboxKind::jail;
    os::Limits limits = os::Limits::plan(
        request.id, jail ? spec.jail_settings.jail.parent : spec.linux_settings.cgroups_path,
        spec.linux_settings.resources);
    record.limits = limits.handle();
    record.sandbox = os::planned_sandbox(spec);
    entry.save(record);
    try {
        limits.make(spec.linux_settings.resources);
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::conflict) record.limits.clear();  // somebody else's group
        throw;
    }
    record.limits = limits.handle();

    os::SandboxCallbacks callbacks = hook_callbacks(document.hooks, record);
    callbacks.preserve_fds = request.preserve_fds;
    callbacks.plain_newlines = request.plain_newlines;
    callbacks.new_keyring = !request.no_new_keyring;
    const Fd listener = settle_listener(record, filter, Status::creating, callbacks);
    Fd gate;
    if (wait_for_start) {
        gate = os::listen_at(entry.directory(), StateStore::gate);
        callbacks.keep = {gate.get()};
        callbacks.await_start = [g = gate.get()] { return await_start(g); };
    }
    os::SandboxStart start =
        os::create_sandbox(spec, limits, filter, borrow(request.stdio), std::move(callbacks));
    started = true;
    record.sandbox = start.ref();
    entry.save(record);  // while the child is at work
    auto ready = start.finish();
    clean_up.dismiss();
    if (!wait_for_start)
        run_hooks_leniently({"poststart", document.hooks.poststart,
                             hook_state(record, Status::running, record.sandbox.pid)});
    return {record.sandbox.pid, std::move(ready.process), std::move(ready.console)};
}

/// Everything a container has, whatever of it is there.
void Runtime::Impl::undo(const Record& record, const Entry& entry) const {
    if (!record.limits.empty()) os::Limits::open(record.limits).remove();
    end_process(record.sandbox);
    if (record.sandbox.pid != 0) os::destroy_sandbox(record.sandbox);
    entry.erase();
}

/// Empty when there is none.
os::SyscallFilter Runtime::Impl::filter_for(const oci::RuntimeSpec& spec) {
    if (!spec.linux) return {};
    if (spec.linux->seccomp)
        return os::SyscallFilter::compile(*spec.linux->seccomp, store.filter_cache());
    const auto file = spec.annotations.find(oci::shared_seccomp);
    if (file == spec.annotations.end()) return {};
    if (const auto known = shared_filters.find(file->second); known != shared_filters.end())
        return known->second;
    const auto profile = oci::seccomp_from_json(read_file(file->second, 1U << 20U));
    if (shared_filters.size() > most_shared_filters) shared_filters.clear();
    return shared_filters[file->second] = os::SyscallFilter::compile(profile, store.filter_cache());
}

os::SyscallFilter Runtime::Impl::filter_of(const Record& record) {
    try {
        return os::SyscallFilter::from_cache(record.filter, store.filter_cache());
    } catch (const Error& e) {
        if (e.kind() != ErrorKind::not_found) throw;
    }
    auto filter = filter_for(load_spec(record.bundle));
    if (filter.empty()) throw Error(ErrorKind::internal, "the container's seccomp profile is lost");
    return filter;
}

Record Runtime::Impl::running(const Entry& entry, const std::string& id) const {
    auto record = entry.load();
    const Status status = record ? status_of(entry, *record) : Status::creating;
    if (status != Status::running) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not running: it is {}", id,
                    to_string(status));
    }
    return std::move(*record);
}

Record Runtime::Impl::to_enter(const Entry& entry, const std::string& id, bool paused,
                               Status& status) const {
    auto record = entry.load();
    status = record ? status_of(entry, *record) : Status::creating;
    if (status == Status::running || status == Status::created ||
        (status == Status::paused && paused))
        return std::move(*record);
    if (status == Status::paused) {
        throw Error(ErrorKind::failed_precondition,
                    "cannot exec in a paused container (use --ignore-paused to override)");
    }
    throw Error(ErrorKind::failed_precondition, "container {:?} is not running: it is {}", id,
                to_string(status));
}

Runtime::Runtime(fs::path state_root) : impl_(std::make_unique<Impl>(std::move(state_root))) {}
Runtime::~Runtime() = default;
Runtime::Runtime(Runtime&&) noexcept = default;

Started Runtime::create(CreateRequest request) { return impl_->make(std::move(request), true); }

Started Runtime::run(CreateRequest request) { return impl_->make(std::move(request), false); }

void Runtime::start(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const auto record = entry.load();
    const Status status = record ? status_of(entry, *record) : Status::creating;
    if (status != Status::created) {
        throw Error(ErrorKind::failed_precondition, "cannot start a container that is {}",
                    to_string(status));
    }
    const Fd connection = os::connect_at(entry.directory(), StateStore::gate);
    // Opened anew: the lock belongs to the open file, and the child would go on holding it. Nothing
    // for a jail, whose process does not get hold of a directory outside.
    Fd directory;
    if (os::sandbox_kind() == os::SandboxKind::namespaces)
        directory = open_at(entry.directory(), ".", O_PATH | O_DIRECTORY);
    os::send_go(connection.get(), directory.get());
    ::unlinkat(entry.directory(), StateStore::gate, 0);  // where the container may not do it itself
    os::receive_outcome(connection.get());
    if (!record->poststart_hooks) return;
    const oci::Hooks hooks = load_spec(record->bundle).hooks;
    run_hooks_leniently(
        {"poststart", hooks.poststart, hook_state(*record, Status::running, record->sandbox.pid)});
}

Started Runtime::exec(const std::string& id, ExecRequest request) {
    const Entry entry = impl_->store.get(id);
    Status status{};
    const Record record = impl_->to_enter(entry, id, request.ignore_paused, status);
    os::Limits limits = os::Limits::open(record.limits);
    os::SandboxCallbacks callbacks;
    callbacks.preserve_fds = request.preserve_fds;
    callbacks.plain_newlines = request.plain_newlines;
    const os::SyscallFilter filter = impl_->filter_of(record);
    const Fd listener = settle_listener(record, filter, status, callbacks);
    os::SandboxStart start = os::enter_sandbox(record.sandbox, request.process, limits, filter,
                                               borrow(request.stdio), std::move(callbacks));
    const pid_t pid = start.ref().pid;
    if (status == Status::paused) entry.unlock();  // for resume()
    auto ready = start.finish();
    return {pid, std::move(ready.process), std::move(ready.console)};
}

void Runtime::kill(const std::string& id, int signal, bool all) {
    const Entry entry = impl_->store.get(id);
    const auto record = entry.load();
    const Status status = record ? status_of(entry, *record) : Status::creating;
    if (record && all && !record->limits.empty()) {
        os::Limits limits = os::Limits::open(record->limits);
        // Without a group it is the first process, with which the others end.
        if (limits.exists()) return limits.signal_all(signal);
    }
    const auto not_running = [&] {
        // containerd and dockerd look for the first three words.
        return Error(ErrorKind::failed_precondition, "container not running: {:?} is {}", id,
                     to_string(status));
    };
    if (status == Status::stopped || status == Status::creating) throw not_running();
    const os::Process process = os::Process::open(record->sandbox.pid);
    if (os::process_start_time(record->sandbox.pid) != record->sandbox.start_time ||
        !process.signal(signal)) {
        throw not_running();
    }
}

void Runtime::remove(const std::string& id, bool force) {
    auto entry = impl_->store.find(id);
    if (!entry) {
        if (force) return;
        throw Error(ErrorKind::not_found, "container {:?} does not exist", id);
    }
    auto record = entry->load();
    if (!record) return entry->erase();  // its creator died at once
    if (record->sandbox.pid == 0) {
        // Its creator died before it could note what it had made: where this kernel needs more than
        // the end of the processes, that has the container's name.
        os::Limits::open(record->limits).remove();
        os::destroy_sandbox(record->sandbox);
    }
    const Status status = status_of(*entry, *record);
    if (!force && (status == Status::running || status == Status::paused)) {
        throw Error(ErrorKind::failed_precondition,
                    "cannot delete container {:?} that is not stopped: {}", id, to_string(status));
    }
    impl_->undo(*record, *entry);
    if (!record->poststop_hooks) return;
    try {
        run_poststop_hooks(load_spec(record->bundle).hooks, *record);
    } catch (const Error& e) {
        log::warn("poststop hooks of {}: {}", id, e.message());
    }
}

State Runtime::state(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const auto record = entry.load();
    if (!record)
        throw Error(ErrorKind::failed_precondition, "container {:?} was never created completely",
                    id);
    return to_state(*record, status_of(entry, *record));
}

std::vector<State> Runtime::list() {
    std::vector<State> out;
    for (const std::string& id : impl_->store.list()) {
        const auto entry = impl_->store.find(id);
        if (!entry) continue;
        if (const auto record = entry->load())
            out.push_back(to_state(*record, status_of(*entry, *record)));
    }
    return out;
}

namespace {

Record load_record(const Entry& entry, const std::string& id) {
    auto record = entry.load();
    if (!record || record->limits.empty()) {
        throw Error(ErrorKind::failed_precondition, "container {:?} was never created completely",
                    id);
    }
    return std::move(*record);
}

}  // namespace

std::vector<pid_t> Runtime::processes(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const Record record = load_record(entry, id);
    const os::Limits limits = os::Limits::open(record.limits);
    if (limits.exists()) return limits.processes();
    return status_of(entry, record) == Status::stopped ? std::vector<pid_t>{}
                                                       : std::vector{record.sandbox.pid};
}

void Runtime::pause(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    os::Limits::open(impl_->running(entry, id).limits).freeze();
}

void Runtime::resume(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    const Record record = load_record(entry, id);
    if (status_of(entry, record) != Status::paused) {
        throw Error(ErrorKind::failed_precondition, "container {:?} is not paused", id);
    }
    os::Limits::open(record.limits).thaw();
}

void Runtime::update(const std::string& id, const oci::Resources& resources) {
    const Entry entry = impl_->store.get(id);
    Record record = load_record(entry, id);
    os::Limits limits = os::Limits::open(record.limits);
    limits.update(resources);
    if (limits.handle() == record.limits) return;
    record.limits = limits.handle();
    entry.save(record);
}

Stats Runtime::stats(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    return os::Limits::open(load_record(entry, id).limits).usage();
}

bool Runtime::oom_killed(const std::string& id) {
    const Entry entry = impl_->store.get(id);
    return os::Limits::open(load_record(entry, id).limits).oom_kills() > 0;
}

fs::path default_state_root() {
    if (::geteuid() == 0) return os::default_places().run.parent_path() / "brig-runtime";
    const char* directory = std::getenv("XDG_RUNTIME_DIR");
    if (directory != nullptr && *directory == '/') return fs::path(directory) / "brig-runtime";
    return fmt::format("/tmp/brig-runtime-{}", ::geteuid());
}

oci::RuntimeSpec default_spec() {
    return os::sandbox_kind() == os::SandboxKind::jail ? oci::default_freebsd_spec()
                                                       : oci::default_linux_spec();
}

}  // namespace brig::runtime
