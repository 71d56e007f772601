// `docker update`: new limits and restart policy for a container, running or not.
#include <nlohmann/json.hpp>

#include "engine/impl.h"
#include "engine/json_fields.h"
#include "engine/spec.h"
#include "oci/runtime_spec.h"
#include "shim/client.h"

namespace brig::engine {

using nlohmann::json;

namespace {

/// Clients send every field, zero where the user said nothing.
template <typename T>
void take(T& target, const T& wanted) {
    if (wanted != T{}) target = wanted;
}

void take_limits(HostConfig& host, const HostConfig& wanted) {
    if (wanted.nano_cpus != 0) host.cpu_period = host.cpu_quota = 0;
    if (wanted.cpu_period != 0 || wanted.cpu_quota != 0) host.nano_cpus = 0;
    take(host.cpu_shares, wanted.cpu_shares);
    take(host.memory, wanted.memory);
    take(host.nano_cpus, wanted.nano_cpus);
    take(host.cpu_period, wanted.cpu_period);
    take(host.cpu_quota, wanted.cpu_quota);
    take(host.cpuset_cpus, wanted.cpuset_cpus);
    take(host.cpuset_mems, wanted.cpuset_mems);
    take(host.memory_reservation, wanted.memory_reservation);
    take(host.memory_swap, wanted.memory_swap);
}

}  // namespace

json Engine::update(const std::string& ref, const json& body) {
    const auto container = impl_->table.find(ref);
    const std::lock_guard operation(container->operation);
    HostConfig host = container->snapshot().host;
    HostConfig wanted;
    from_json(body, wanted);
    take_limits(host, wanted);
    if (body.contains("PidsLimit") && !body["PidsLimit"].is_null())
        host.pids_limit = wanted.pids_limit;
    if (!wanted.restart_policy.name.empty()) {
        if (host.auto_remove && wanted.restart_policy.name != "no") {
            throw Error(ErrorKind::invalid_argument,
                        "Restart policy cannot be updated because AutoRemove is enabled for the "
                        "container");
        }
        host.restart_policy = wanted.restart_policy;
    }
    check_host_config(host);
    if (container->state().running())
        impl_->parts.tasks->update(container->id, oci::to_json(make_resources(host)));
    {
        const std::lock_guard lock(container->mutex);
        container->record.host = std::move(host);
    }
    impl_->table.save(*container);
    impl_->publish(container->snapshot(), "update");
    return {{"Warnings", json::array()}};
}

}  // namespace brig::engine
