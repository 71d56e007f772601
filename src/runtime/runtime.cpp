// The lifecycle. What makes it converge after kill -9 at any point: the record is written before
// anything is made that it must undo, and remove() goes by the record and by the control group, not
// by what a previous command may have finished.
#include "runtime/runtime.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "oci/runtime_defaults.h"
#include "os/places.h"
#include "os/process.h"
#include "os/socket_at.h"
#include "runtime/filter_listener.h"
#include "runtime/hooks.h"
#include "runtime/impl.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

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

Record load_to_enter(const Entry& entry, const std::string& id, bool paused, Status& status) {
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

Status status_of(const Entry& entry, const Record& record) {
    if (record.sandbox.pid == 0) return Status::creating;
    if (os::process_start_time(record.sandbox.pid) != record.sandbox.start_time)
        return Status::stopped;
    if (entry.waits_for_start()) return Status::created;
    return os::Limits::open(record.limits).frozen() ? Status::paused : Status::running;
}

std::string hook_state(const Record& record, Status status, pid_t pid) {
    nlohmann::json j = {{"ociVersion", record.oci_version},
                        {"id", record.id},
                        {"status", to_string(status)},
                        {"bundle", record.bundle.string()}};
    if (pid != 0) j["pid"] = pid;
    if (!record.annotations.empty()) j["annotations"] = record.annotations;
    return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void run_poststart_hooks(const oci::Hooks& hooks, const Record& record) {
    if (!hooks.poststart.empty())
        run_hooks({"poststart", hooks.poststart,
                   hook_state(record, Status::running, record.sandbox.pid)});
}

void run_poststop_hooks(const oci::Hooks& hooks, const Record& record) {
    if (!hooks.poststop.empty())
        run_hooks_leniently({"poststop", hooks.poststop, hook_state(record, Status::stopped, 0)});
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
    Defer destroy([&] { impl_->give_up(*record, entry, &hooks); });
    run_poststart_hooks(hooks, *record);
    destroy.dismiss();
}

Started Runtime::exec(const std::string& id, ExecRequest request) {
    const Entry entry = impl_->store.get(id);
    Status status{};
    const Record record = load_to_enter(entry, id, request.ignore_paused, status);
    os::Limits limits = os::Limits::open(record.limits);
    for (const std::string& group : request.below) limits.enter_below(group);
    os::SandboxCallbacks callbacks;
    callbacks.preserve_fds = request.preserve_fds;
    callbacks.plain_newlines = request.plain_newlines;
    const os::SyscallFilter filter = impl_->filter_of(record);
    const Fd listener = settle_listener(record, filter, status, callbacks);
    request.process.memory_policy = record.memory_policy;
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
