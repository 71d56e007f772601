// The OCI runtime: containers from bundles, with their state on disk, over the kernel's sandboxes.
// brig-runtime exposes it as a command line; brig-shim calls it in-process.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/mount_spec.h"
#include "base/time.h"
#include "oci/runtime_spec.h"
#include "os/resources.h"

namespace brig::runtime {

/// What the process gets as 0, 1 and 2; an empty one is /dev/null. Unused with a terminal.
struct Stdio {
    Fd in, out, err;
};

struct CreateRequest {
    std::string id;
    std::filesystem::path bundle;  ///< holds config.json
    /// Mounted in order over root.path, inside the container's mount namespace where there is
    /// one; empty: root.path is used as it is.
    std::vector<brig::Mount> rootfs;
    Stdio stdio;
    /// config.json already parsed, to save the second parse; else it is read from the bundle.
    const oci::RuntimeSpec* spec = nullptr;
    bool systemd_cgroup = false;
    bool no_new_keyring = false;
    bool no_pivot = false;        ///< LinuxSettings::no_pivot
    int preserve_fds = 0;         ///< descriptors 3 … 3+n-1 are passed on
    bool plain_newlines = false;  ///< the terminal adds no carriage returns: who shows it does
};

/// A process of a container. Its caller is its parent and reaps it.
struct Started {
    pid_t pid = 0;
    Fd process;  ///< pidfd or process descriptor; readable when it has ended
    Fd console;  ///< the terminal's master when process.terminal, else empty
};

struct ExecRequest {
    oci::Process process;
    Stdio stdio;
    int preserve_fds = 0;
    bool plain_newlines = false;
    std::vector<std::string> below;  ///< os::Limits::enter_below()
    bool ignore_paused = false;      ///< in a paused container: it waits for resume(), and so do we
};

enum class Status { creating, created, running, paused, stopped };
std::string_view to_string(Status status);

struct State {
    std::string oci_version;
    std::string id;
    Status status = Status::stopped;
    pid_t pid = 0;  ///< 0 when stopped
    std::filesystem::path bundle;
    std::filesystem::path rootfs;
    Instant created;
    std::map<std::string, std::string> annotations;
};

using Stats = os::Usage;

/// Safe to use from several processes at once on one state root: every operation takes the
/// container's lock. One object is for one thread, and create, run and exec want a process without
/// other threads: their child is a copy that goes on without exec, and a lock (of the allocator,
/// say) that another thread held at that moment would stay locked in it for ever.
///
/// Errors: not_found `container "x" does not exist`; already_exists; failed_precondition for the
/// wrong state; a program that cannot be run is not_found (exit code 127) or permission_denied
/// (126) with `exec: "foo": executable file not found in $PATH`.
class Runtime {
public:
    /// `state_root` is created when first needed.
    explicit Runtime(std::filesystem::path state_root);
    ~Runtime();
    Runtime(Runtime&&) noexcept;

    /// Everything is set up and the process waits for start(). Nothing is left when it throws.
    Started create(CreateRequest request);
    /// Lets the process go; returns when it runs its program. Works from any process. When the
    /// program cannot be executed it throws that error and the container is stopped.
    void start(const std::string& id);
    /// create and start in one, without the waiting in between.
    Started run(CreateRequest request);

    /// The container may also be one that waits for start().
    Started exec(const std::string& id, ExecRequest request);

    /// `all`: every process of the container.
    void kill(const std::string& id, int signal, bool all = false);
    /// Removes what is left of a stopped container; `force` kills it first and succeeds when there
    /// is nothing of that name. Always converges, whatever was interrupted before.
    void remove(const std::string& id, bool force = false);

    [[nodiscard]] State state(const std::string& id);
    [[nodiscard]] std::vector<State> list();
    [[nodiscard]] std::vector<pid_t> processes(const std::string& id);
    void pause(const std::string& id);
    void resume(const std::string& id);
    void update(const std::string& id, const oci::Resources& resources);
    [[nodiscard]] Stats stats(const std::string& id);
    /// Whether the kernel has killed a process of it for memory. False when unknown.
    [[nodiscard]] bool oom_killed(const std::string& id);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Where containers are remembered when nobody says otherwise: /run/brig-runtime, or a directory of
/// the user's own.
std::filesystem::path default_state_root();

/// The default container of the kernel this runs on: oci::default_linux_spec() or
/// oci::default_freebsd_spec().
oci::RuntimeSpec default_spec();

}  // namespace brig::runtime
