// The process, the namespaces and the rest of config.json; mounts and limits are in files of their
// own.
#include "engine/spec.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "base/strings.h"
#include "engine/capabilities.h"
#include "engine/jail_options.h"
#include "engine/seccomp_profiles.h"
#include "engine/spec_parts.h"
#include "oci/runtime_defaults.h"
#include "os/host_devices.h"
#include "runtime/runtime.h"

namespace brig::engine {
namespace {

constexpr std::string_view default_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string_view variable_name(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool has_variable(const Strings& environment, std::string_view name) {
    return std::ranges::any_of(environment,
                               [&](const auto& entry) { return variable_name(entry) == name; });
}

bool wants(const HostConfig& host, std::string_view option, std::string_view value) {
    for (const auto& given : host.security_opt) {
        const auto at = given.find_first_of("=:");
        if (given.substr(0, at) != option) continue;
        if (at == std::string::npos) return value == "true";
        if (given.substr(at + 1) == value) return true;
    }
    return false;
}

void remove_namespace(oci::Linux& settings, std::string_view type) {
    std::erase_if(settings.namespaces, [&](const auto& one) { return one.type == type; });
}

/// Whoever joins a namespace that belongs to another container's users has to be among these.
void set_users(oci::Linux& settings, const SpecInputs& inputs) {
    if (inputs.owners.empty()) return;
    settings.namespaces.push_back({"user", inputs.user_namespace});
    if (!inputs.user_namespace.empty()) return;
    // As in the network namespaces that we make.
    if (inputs.network_namespace.empty())
        settings.sysctl.emplace("net.ipv4.ip_unprivileged_port_start", "0");
    settings.uid_mappings = inputs.owners.users();
    settings.gid_mappings = inputs.owners.groups();
}

void set_namespaces(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs) {
    if (!spec.linux) return;
    auto& settings = *spec.linux;
    const auto& host = record.host;
    if (host.pid_mode == "host") remove_namespace(settings, "pid");
    if (host.ipc_mode == "host") remove_namespace(settings, "ipc");
    if (host.uts_mode == "host") remove_namespace(settings, "uts");
    if (host.cgroupns_mode == "host") remove_namespace(settings, "cgroup");
    if (record.network() == "host") remove_namespace(settings, "network");
    for (auto& one : settings.namespaces) {
        if (one.type == "network") one.path = inputs.network_namespace;
        if (one.type == "pid") one.path = inputs.pid_namespace;
        if (one.type == "ipc") one.path = inputs.ipc_namespace;
    }
    set_users(settings, inputs);
    settings.cgroups_path = "/brig/" + record.id;
}

void set_process(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs) {
    auto& process = spec.process;
    process.terminal = record.config.tty;
    if (record.host.console_size.size() == 2 && record.config.tty) {
        process.console_size =
            oci::ConsoleSize{record.host.console_size[0], record.host.console_size[1]};
    }
    process.user = {inputs.user.uid, inputs.user.gid, {}, inputs.user.groups};
    process.args = record.command_line();
    if (has_init(record)) {
        if (inputs.init.empty()) {
            throw Error(ErrorKind::failed_precondition,
                        "--init: the program brig-init is missing; install it beside brigd");
        }
        process.args.insert(process.args.begin(), {std::string(init_path), "--"});
    }
    process.env = make_environment(record, inputs.user);
    process.cwd = record.config.working_dir.empty() ? "/" : record.config.working_dir;
    process.no_new_privileges = wants(record.host, "no-new-privileges", "true");
    process.oom_score_adj =
        record.host.oom_score_adj != 0 ? std::optional(record.host.oom_score_adj) : std::nullopt;
    process.rlimits = make_rlimits(record.host, inputs.rlimits);
    process.capabilities.reset();
}

void set_security(oci::RuntimeSpec& spec, const Record& record, const SpecInputs& inputs) {
    if (!spec.linux) return;
    auto& settings = *spec.linux;
    const auto& host = record.host;
    const Strings names = container_capabilities(host);
    spec.process.capabilities = make_capability_sets(names, inputs.user);
    if (!host.privileged && !wants(host, "seccomp", "unconfined")) {
        if (inputs.profiles.empty())
            settings.seccomp = seccomp_for(names);
        else
            spec.annotations[oci::shared_seccomp] = seccomp_file_for(names, inputs.profiles);
    }
    if (host.privileged) {
        settings.masked_paths.clear();
        settings.readonly_paths.clear();
    }
    if (host.masked_paths) settings.masked_paths = *host.masked_paths;
    if (host.readonly_paths) settings.readonly_paths = *host.readonly_paths;
}

void add_device(oci::RuntimeSpec& spec, os::HostDevice device, const DeviceMapping& mapping) {
    const std::string access =
        mapping.cgroup_permissions.empty() ? "rwm" : mapping.cgroup_permissions;
    if (spec.linux) {
        auto& node = device.node;
        if (!mapping.path_in_container.empty() && node.path.starts_with(mapping.path_on_host)) {
            node.path = mapping.path_in_container + node.path.substr(mapping.path_on_host.size());
        } else if (!mapping.path_in_container.empty()) {
            node.path = mapping.path_in_container;
        }
        spec.linux->resources.devices.push_back({true, node.type, node.major, node.minor, access});
        spec.linux->devices.push_back(std::move(node));
    }
    if (spec.freebsd) spec.freebsd->devices.push_back(std::move(device.rule));
}

void set_devices(oci::RuntimeSpec& spec, const HostConfig& host) {
    for (const auto& mapping : host.devices) {
        for (auto& device : os::devices_at(mapping.path_on_host))
            add_device(spec, std::move(device), mapping);
    }
    if (!host.privileged) return;
    for (auto& device : os::all_devices()) add_device(spec, std::move(device), {});
    if (spec.linux) spec.linux->resources.devices = {{true, "a", {}, {}, "rwm"}};
}

/// The specification has one place for limits, whatever the kernel.
void set_limits(oci::RuntimeSpec& spec, const HostConfig& host) {
    if (!spec.linux) {
        spec.linux.emplace().resources = make_resources(host);
        return;
    }
    auto devices = std::move(spec.linux->resources.devices);
    spec.linux->resources = make_resources(host);
    spec.linux->resources.devices = std::move(devices);
    for (const auto& [name, value] : host.sysctls) spec.linux->sysctl[name] = value;
}

}  // namespace

/// One that joins processes which have an init already gets no second one.
bool has_init(const Record& record) {
    const auto& mode = record.host.pid_mode;
    return record.host.init.value_or(false) && (mode.empty() || mode == "private");
}

void merge_environment(Strings& base, const Strings& extra) {
    for (const auto& entry : extra) {
        const auto name = variable_name(entry);
        const auto at =
            std::ranges::find_if(base, [&](const auto& old) { return variable_name(old) == name; });
        if (entry.find('=') == std::string::npos) {
            if (at != base.end()) base.erase(at);
        } else if (at != base.end()) {
            *at = entry;
        } else {
            base.push_back(entry);
        }
    }
}

Strings make_environment(const Record& record, const ResolvedUser& user) {
    Strings out{std::string(default_path), "HOSTNAME=" + record.config.hostname};
    if (record.config.tty) out.emplace_back("TERM=xterm");
    merge_environment(out, record.config.env);
    if (!has_variable(out, "HOME")) out.push_back("HOME=" + user.home);
    return out;
}

oci::Capabilities make_capability_sets(const Strings& names, const ResolvedUser& user) {
    oci::Capabilities sets;
    sets.bounding = names;
    if (user.uid == 0) {
        sets.effective = names;
        sets.permitted = names;
    }
    return sets;
}

oci::RuntimeSpec make_spec(const Record& record, const SpecInputs& inputs) {
    static const oci::RuntimeSpec defaults = [] {
        auto made = runtime::default_spec();
        if (made.linux) made.linux->seccomp.reset();
        return made;
    }();
    oci::RuntimeSpec spec = defaults;
    spec.annotations = record.host.annotations;
    spec.root.path = "rootfs";
    spec.root.readonly = record.host.readonly_rootfs;
    if (record.host.uts_mode != "host") {
        spec.hostname = record.config.hostname;
        spec.domainname = record.config.domainname;
    } else {
        spec.hostname.clear();
    }
    set_process(spec, record, inputs);
    set_namespaces(spec, record, inputs);
    set_jail(spec, record);
    set_security(spec, record, inputs);
    set_devices(spec, record.host);
    set_limits(spec, record.host);
    set_mounts(spec, record, inputs);
    return spec;
}

void check_spec_options(const Record& record) {
    for (const auto& [name, value] : record.host.annotations) {
        if (name == oci::shared_seccomp) {
            throw Error(ErrorKind::invalid_argument, "annotation {} is the engine's own", name);
        }
    }
    container_capabilities(record.host);
    make_rlimits(record.host, {});
    for (const auto& [name, value] : record.host.sysctls) check_sysctl(name, record);
    for (const auto& device : record.host.devices) {
        const auto& access = device.cgroup_permissions;
        if (access.find_first_not_of("rwm") != std::string::npos) {
            throw Error(ErrorKind::invalid_argument, "invalid device mode: {}", access);
        }
    }
}

}  // namespace brig::engine
