// From a bundle to a container's process. The record is written before anything is made that it
// must undo.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "os/process.h"
#include "os/socket_at.h"
#include "runtime/hooks.h"
#include "runtime/impl.h"
#include "runtime/translate.h"

namespace brig::runtime {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_shared_filters = 32;

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
Fd await_start(int gate, const std::function<void()>& ready) {
    const MortalWhileWaiting mortal;
    ready();  // not before, or a signal is lost
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

Record new_record(const CreateRequest& request, const os::SandboxSpec& spec) {
    const oci::RuntimeSpec& document = *request.spec;
    Record record{.id = request.id,
                  .oci_version = document.oci_version,
                  .bundle = request.bundle,
                  .rootfs = spec.root,
                  .created = now()};
    record.poststart_hooks = !document.hooks.poststart.empty();
    record.poststop_hooks = !document.hooks.poststop.empty();
    record.annotations = document.annotations;
    record.memory_policy = spec.linux_settings.memory_policy;
    if (spec.linux_settings.seccomp) {
        record.listener = spec.linux_settings.seccomp->listener_path;
        record.listener_metadata = spec.linux_settings.seccomp->listener_metadata;
    }
    return record;
}

/// The container's group. All that will be made is noted before it is there.
os::Limits make_limits(const os::SandboxSpec& spec, os::Limits::Keeper keeper, Record& record,
                       const Entry& entry) {
    const bool jail = os::sandbox_kind() == os::SandboxKind::jail;
    os::Limits limits = os::Limits::plan(
        spec.id, jail ? spec.jail_settings.jail.parent : spec.linux_settings.cgroups_path,
        spec.linux_settings.resources, keeper);
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
    return limits;
}

}  // namespace

Started Runtime::Impl::make(CreateRequest request, bool wait_for_start) {
    std::optional<oci::RuntimeSpec> loaded;
    if (request.spec == nullptr) request.spec = &loaded.emplace(load_spec(request.bundle));
    const oci::RuntimeSpec& document = *request.spec;
    os::SandboxSpec spec = sandbox_spec(request.id, request.bundle, document, request.rootfs);
    spec.linux_settings.no_pivot = request.no_pivot;
    if (!request.rootfs.empty()) make_directories(spec.root);

    const Entry entry = store.create(request.id);
    Record record = new_record(request, spec);
    bool started = false;
    pid_t child = 0;  // whom nobody else waits for
    Defer clean_up([&] {
        give_up(record, entry, started ? &document.hooks : nullptr);
        if (child != 0) ::waitpid(child, nullptr, WNOHANG);
    });

    const os::SyscallFilter filter = filter_for(document);
    record.filter = filter.key();
    os::Limits limits = make_limits(
        spec, request.systemd_cgroup ? os::Limits::Keeper::systemd : os::Limits::Keeper::kernel,
        record, entry);
    os::SandboxCallbacks callbacks = hook_callbacks(document.hooks, record);
    callbacks.preserve_fds = request.preserve_fds;
    callbacks.plain_newlines = request.plain_newlines;
    callbacks.new_keyring = !request.no_new_keyring;
    const Fd listener = settle_listener(record, filter, Status::creating, callbacks);
    Fd gate;
    if (wait_for_start) {
        gate = os::listen_at(entry.directory(), StateStore::gate);
        callbacks.keep = {gate.get()};
        callbacks.await_start = [g = gate.get()](const auto& ready) {
            return await_start(g, ready);
        };
    }
    os::SandboxStart start =
        os::create_sandbox(spec, limits, filter, borrow(request.stdio), std::move(callbacks));
    started = true;
    record.sandbox = start.ref();
    entry.save(record);  // while the child is at work
    auto ready = start.finish();
    child = record.sandbox.pid;
    if (!wait_for_start) run_poststart_hooks(document.hooks, record);
    clean_up.dismiss();
    return {record.sandbox.pid, std::move(ready.process), std::move(ready.console)};
}

void Runtime::Impl::undo(const Record& record, const Entry& entry) const {
    if (!record.limits.empty()) os::Limits::open(record.limits).remove();
    end_process(record.sandbox);
    if (record.sandbox.pid != 0) os::destroy_sandbox(record.sandbox);
    entry.erase();
}

void Runtime::Impl::give_up(const Record& record, const Entry& entry,
                            const oci::Hooks* hooks) const noexcept {
    try {
        undo(record, entry);
        if (hooks != nullptr) run_poststop_hooks(*hooks, record);
    } catch (const std::exception& e) {
        log::warn("cannot clean up after the failure of {}: {}", record.id, e.what());
    }
}

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

}  // namespace brig::runtime
