// Namespaces that containers share: --pid, --ipc and --network container:X.
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/impl.h"
#include "os/mounts.h"
#include "os/sandbox.h"
#include "snapshot/snapshotter.h"

namespace brig::engine {
namespace {

/// "container:ID" → ID
std::optional<std::string> donor_of(const std::string& mode) {
    constexpr std::string_view prefix = "container:";
    if (!mode.starts_with(prefix)) return std::nullopt;
    return mode.substr(prefix.size());
}

}  // namespace

void check_own_users(const Record& record) {
    if (record.host.privileged) {
        throw Error(ErrorKind::invalid_argument,
                    "privileged mode is incompatible with user namespaces.  You must run the "
                    "container in the host namespace when running privileged mode");
    }
    if (record.network() == "host") {
        throw Error(ErrorKind::invalid_argument,
                    "cannot share the host's network namespace when user namespaces are enabled");
    }
    if (record.host.pid_mode == "host") {
        throw Error(ErrorKind::invalid_argument,
                    "cannot share the host PID namespace when user namespaces are enabled");
    }
}

archive::OwnerMap Engine::Impl::owners_of(const Record& record) const {
    return record.host.userns_mode == "host" ? archive::OwnerMap() : parts.snapshots->owners();
}

/// Only who is root where a namespace was made may do in it what a start has to.
void Engine::Impl::join_users(const Record& other, std::string_view what,
                              SpecInputs& inputs) const {
    if (inputs.owners.empty()) return;
    if (owners_of(other).empty()) {
        throw Error(ErrorKind::conflict,
                    "cannot join {} of container {}, which has the host's users: that takes "
                    "--userns=host for both",
                    what, other.id);
    }
    inputs.user_namespace = fmt::format("/proc/{}/ns/user", other.state.pid);
}

/// The running container whose namespace is joined; `what` as docker calls it.
Record Engine::Impl::donor(const std::string& id, std::string_view what) {
    if (os::sandbox_kind() == os::SandboxKind::jail) {
        throw Error(ErrorKind::not_implemented,
                    "joining the {} of another container is not possible with jails", what);
    }
    Record record = table.find(id)->snapshot();
    if (!record.state.running()) {
        throw Error(ErrorKind::conflict, "cannot join {} of a non running container: {}", what,
                    record.id);
    }
    return record;
}

/// The network's namespace, and the files that describe it, are the other container's.
void Engine::Impl::join_network(const std::string& id, SpecInputs& inputs) {
    Record other = donor(id, "network");
    inputs.network_namespace = fmt::format("/proc/{}/ns/net", other.state.pid);
    join_users(other, "network", inputs);
    while (const auto next = donor_of(other.network())) other = donor(*next, "network");
    inputs.files = files_of(other.id);
}

void Engine::Impl::join_namespaces(const Record& record, SpecInputs& inputs) {
    if (const auto id = donor_of(record.host.pid_mode)) {
        const Record other = donor(*id, "PID");
        inputs.pid_namespace = fmt::format("/proc/{}/ns/pid", other.state.pid);
        join_users(other, "PID", inputs);
    }
    if (const auto id = donor_of(record.host.ipc_mode)) {
        const Record other = donor(*id, "IPC");
        if (other.host.ipc_mode != "shareable") {
            throw Error(ErrorKind::invalid_argument,
                        "can't join IPC of container {}: non-shareable IPC (hint: use "
                        "IpcMode:shareable for the donor container)",
                        other.id);
        }
        inputs.ipc_namespace = fmt::format("/proc/{}/ns/ipc", other.state.pid);
        join_users(other, "IPC", inputs);
        inputs.shared_memory = shared_memory_of(other.id);
    }
    if (record.host.ipc_mode == "shareable" && os::sandbox_kind() != os::SandboxKind::jail) {
        inputs.shared_memory = shared_memory_of(record.id);
        make_directories(inputs.shared_memory, 0700);
        os::mount_at({"tmpfs",
                      "shm",
                      "",
                      {"nosuid", "noexec", "nodev", "mode=1777",
                       "size=" + std::to_string(record.host.shm_size)}},
                     inputs.shared_memory);
    }
}

}  // namespace brig::engine
