// See task_runner.h. The output is read from an attachment made before the start, so that none of
// it is missed and no log is written.
#include "engine/task_runner.h"

#include <fcntl.h>
#include <poll.h>

#include <csignal>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "engine/spec.h"
#include "engine/stream_format.h"
#include "engine/task_files.h"
#include "network/network.h"
#include "os/file_flags.h"
#include "os/mounts.h"
#include "shim/client.h"
#include "snapshot/snapshotter.h"

namespace brig::engine {
namespace {

Record record_of(const build::RunRequest& request) {
    Record record;
    record.id = request.id;
    record.name = request.id.substr(0, 12);
    record.config.hostname = record.name;
    record.config.env = request.env;
    record.config.cmd = request.args;
    record.config.working_dir = request.cwd;
    record.config.user = request.user;
    record.host.network_mode = request.network;
    record.host.extra_hosts = request.extra_hosts;
    record.host.shm_size = request.shm_size;
    record.host.memory = request.memory;
    const auto mode = record.network();
    if (mode != "bridge" && mode != "none" && mode != "host") {
        throw Error(ErrorKind::not_found, "network {} not found", mode);
    }
    return record;
}

/// Until the end of the output. Throws what `output` throws, or Error{cancelled}.
void copy_output(int stream, const std::function<void(std::string_view)>& output,
                 const std::function<bool()>& cancelled) {
    FrameReader frames;
    std::string buffer(32U << 10U, '\0');
    for (;;) {
        pollfd waiting{stream, POLLIN, 0};
        if (::poll(&waiting, 1, 500) == 0) {
            if (cancelled()) throw Error(ErrorKind::cancelled, "the build was cancelled");
            continue;
        }
        const auto got = read_some(stream, std::as_writable_bytes(std::span(buffer)));
        if (got == 0) return;
        frames.feed(std::string_view(buffer).substr(0, got), output);
        if (cancelled()) throw Error(ErrorKind::cancelled, "the build was cancelled");
    }
}

}  // namespace

void TaskRunner::release(const std::string& id) {
    const auto attempt = [&](const auto& action) {
        try {
            action();
        } catch (const Error& e) {
            if (e.kind() != ErrorKind::not_found) log::warn("build step {}: {}", id, e.message());
        }
    };
    attempt([&] { parts_.tasks->remove(id); });
    if (parts_.networks) attempt([&] { parts_.networks->detach(id); });
    const auto bundle = parts_.settings.run / "tasks" / id;
    attempt([&] { os::remove_protected_tree_at(AT_FDCWD, bundle); });
}

int TaskRunner::run(const build::RunRequest& request,
                    const std::function<void(std::string_view)>& output,
                    const std::function<bool()>& cancelled) {
    const Record record = record_of(request);
    const std::string& id = record.id;
    const auto bundle = parts_.settings.run / "tasks" / id;
    make_directories(bundle / "rootfs", 0700);
    const Defer clean_up([&] { release(id); });

    SpecInputs inputs{.profiles = parts_.settings.run / "seccomp"};
    std::optional<network::Endpoint> endpoint;
    const bool bridged = record.network() == "bridge" && parts_.networks != nullptr;
    network::AttachRequest attachment{
        .container_id = id, .container_name = record.name, .jail = id};
    inputs.owners = parts_.snapshots->owners();
    if (!inputs.owners.empty()) check_own_users(record);
    if (bridged && network::precedes_create() && inputs.owners.empty()) {
        endpoint = parts_.networks->attach(attachment);
        inputs.network_namespace = endpoint->sandbox_path.string();
    }
    inputs.files = bundle;
    inputs.rlimits = parts_.settings.rlimits;
    write_network_files(bundle, record, endpoint, inputs.owners);
    {
        const auto tree = os::MountedTree::mount(request.rootfs, bundle / "rootfs");
        inputs.user = resolve_user(record.config.user, {}, read_accounts(tree.root().get()));
    }
    auto spec = make_spec(record, inputs);
    // Packages of FreeBSD's base system have files with flags. The step's root is nobody else's.
    if (spec.freebsd) spec.freebsd->jail.allow.chflags = os::may_set_system_flags();
    write_bundle(bundle, oci::to_json(spec));

    const Fd stream = parts_.tasks->attach(id, "", {.in = false, .out = true, .err = true});
    const shim::TaskSpec task{.id = id, .bundle = bundle, .rootfs = request.rootfs};
    int pid = 0;
    if (bridged && !endpoint) {
        attachment.pid = parts_.tasks->create(task);
        endpoint = parts_.networks->attach(attachment);
        write_network_files(bundle, record, endpoint, inputs.owners);
        pid = parts_.tasks->start(id);
    } else {
        pid = parts_.tasks->launch(task);
    }
    if (endpoint) parts_.networks->started(id, pid);
    try {
        copy_output(stream.get(), output, cancelled);
    } catch (...) {
        parts_.tasks->kill(id, "", SIGKILL, true);
        parts_.tasks->wait(id);
        throw;
    }
    return parts_.tasks->wait(id).status;
}

}  // namespace brig::engine
