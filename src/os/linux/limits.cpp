// Limits over control groups: one group in version 2 where there is one, which tracks, freezes and
// kills, and groups in those hierarchies of version 1 whose limits are asked for.
#include "os/limits.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"
#include "os/linux/cgroup_devices.h"
#include "os/linux/cgroup_files.h"
#include "os/linux/cgroup_layout.h"
#include "os/linux/cgroup_v1.h"
#include "os/linux/cgroup_v2.h"
#include "os/linux/limits_impl.h"
#include "os/linux/systemd_scope.h"

namespace brig::os {
namespace {

constexpr const char* no_group = "none";
constexpr const char* of_systemd = "systemd";  ///< in place of the hierarchies

void add_memory_of(pid_t pid, Usage& usage) {
    const auto fields = split(read_control(fmt::format("/proc/{}", pid), "statm"), ' ');
    if (fields.size() < 2) return;
    usage.memory_usage += parse_int<std::uint64_t>(fields[1]).value_or(0) *
                          static_cast<std::uint64_t>(::getpagesize());
}

/// Settings that no kernel of today has a control for. Kernel memory is no loss: it counts as
/// memory.
void check_obsolete(const Resources& r) {
    const auto warn = [](bool wanted, std::string_view name) {
        if (wanted) log::warn("resources: {} has no effect: this kernel counts it as memory", name);
    };
    const auto refuse = [](bool wanted, std::string_view name) {
        if (!wanted) return;
        throw Error(ErrorKind::not_implemented,
                    "resources: {} is obsolete: this kernel has no such control", name);
    };
    warn(r.memory.kernel.value_or(0) > 0, "memory.kernel");
    warn(r.memory.kernel_tcp.value_or(0) > 0 && !cgroup_layout().has_v1("memory"),
         "memory.kernelTCP");
    refuse(r.memory.use_hierarchy == false, "memory.useHierarchy=false");
    refuse(r.block_io.leaf_weight.value_or(0) != 0, "blockIO.leafWeight");
    refuse(std::ranges::any_of(r.block_io.weight_device,
                               [](const auto& d) { return d.leaf_weight.value_or(0) != 0; }),
           "blockIO.weightDevice.leafWeight");
}

/// An ordinary user who asks for nothing that only a group can do.
bool may_do_without(Resources resources) {
    resources.devices.clear();
    return ::geteuid() != 0 && resources == Resources{};
}

void apply_devices(const Limits::Impl& impl, const Resources& resources) {
    // An ordinary user's containers live in user namespaces, where no device can be made anyway.
    if (resources.devices.empty() || ::geteuid() != 0) return;
    const auto rules = with_harmless_devices(resources.devices);
    if (const Fd group = impl.open_v2()) {
        attach_device_rules(group.get(), rules);
    } else {
        write_device_rules_v1(v1_directory(cgroup_layout().v1.at("devices"), impl.path), rules);
    }
}

}  // namespace

std::string Limits::Impl::v2_directory() const {
    return cgroup_layout().v2.empty() || path.empty() ? "" : cgroup_layout().v2 + path;
}

std::string Limits::Impl::tracking_directory() const {
    if (!cgroup_layout().v2.empty() || path.empty()) return v2_directory();
    return v1_directory("freezer", path);
}

Fd Limits::Impl::open_v2() const {
    if (cgroup_layout().v2.empty() || path.empty()) return {};
    const auto beneath = below.find("");
    return open_file(v2_directory() + (beneath == below.end() ? "" : beneath->second),
                     O_RDONLY | O_DIRECTORY);
}

Fd Limits::Impl::open_v2_of(pid_t process) {
    for (const std::string& line :
         split(read_file(fmt::format("/proc/{}/cgroup", process)), '\n')) {
        if (line.starts_with("0::/"))
            return open_file(cgroup_layout().v2 + line.substr(3), O_RDONLY | O_DIRECTORY);
    }
    throw Error(ErrorKind::failed_precondition, "process {} is in no group of version 2", process);
}

void Limits::Impl::attach_self() const {
    for (const std::string& hierarchy : hierarchies) {
        const auto beneath = below.find(hierarchy);
        write_control(
            v1_directory(hierarchy, path) + (beneath == below.end() ? "" : beneath->second),
            "tasks", "0");
    }
}

CgroupView Limits::Impl::view() const {
    return {{hierarchies.begin(), hierarchies.end()}, !cgroup_layout().v2.empty()};
}

void Limits::Impl::require(std::string_view what) const {
    if (!path.empty()) return;
    throw Error(ErrorKind::failed_precondition,
                "{} need a control group, and this container has none: it was made by an ordinary "
                "user without delegation",
                what);
}

/// All processes of one group also into another, which is of another hierarchy.
static void move_processes(const std::string& from, const std::string& to) {
    // They may fork meanwhile: again until nothing new is found.
    std::set<pid_t> moved;
    for (bool found = true; found;) {
        found = false;
        for (const pid_t pid : group_processes(from)) {
            if (!moved.insert(pid).second) continue;
            found = true;
            try {
                write_control(to, "cgroup.procs", std::to_string(pid));
            } catch (const SysError& e) {
                if (e.error_number() != ESRCH) throw;
            }
        }
    }
}

void Limits::Impl::join(const std::set<std::string>& more) {
    for (const std::string& hierarchy : more) {
        if (!hierarchies.insert(hierarchy).second) continue;
        make_group_v1(hierarchy, path);
        move_processes(tracking_directory(), v1_directory(hierarchy, path));
    }
}

bool Limits::Impl::remove_all() const {
    if (path.empty()) return true;
    bool gone = cgroup_layout().v2.empty() || remove_group(v2_directory());
    for (const std::string& hierarchy : hierarchies)
        gone = remove_group(v1_directory(hierarchy, path)) && gone;
    if (gone && keeper == Keeper::systemd) stop_scope(path);
    return gone;
}

Limits::Limits(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Limits::Limits(Limits&&) noexcept = default;
Limits& Limits::operator=(Limits&&) noexcept = default;
Limits::~Limits() = default;

/// A group that was there before: not one with somebody else in it, whom our failure or end would
/// kill.
static void check_vacant(const Limits::Impl& impl) {
    if (!group_processes(impl.tracking_directory()).empty()) {
        throw Error(ErrorKind::conflict, "container's cgroup is not empty: {} has processes",
                    impl.path);
    }
    if (impl.frozen()) {
        throw Error(ErrorKind::conflict, "container's cgroup unexpectedly frozen: {}", impl.path);
    }
}

Limits Limits::plan(const std::string& id, const std::string& path, const Resources& resources,
                    Keeper keeper) {
    if (keeper == Keeper::systemd) check_systemd(path);
    const CgroupLayout& layout = cgroup_layout();
    check_obsolete(resources);
    auto impl = std::make_unique<Impl>();
    if (layout.v2.empty() && layout.v1.empty()) {
        if (may_do_without(resources)) return Limits(std::move(impl));
        throw Error(ErrorKind::failed_precondition,
                    "no control groups are mounted on /sys/fs/cgroup");
    }
    const bool systemd = keeper == Keeper::systemd;
    impl->path = cgroup_path(id, systemd && path.empty() ? "system.slice:brig:" + id : path);
    if (keeper == Keeper::systemd) {
        if (layout.v2.empty() || !layout.v1.empty())
            throw Error(ErrorKind::not_implemented,
                        "--systemd-cgroup needs a host with version 2 of control groups alone");
        impl->keeper = keeper;
    }
    if (!layout.v1.empty()) impl->hierarchies = needed_hierarchies(resources, layout.v2.empty());
    check_vacant(*impl);
    return Limits(std::move(impl));
}

void Limits::Impl::make(const Resources& resources) {
    const CgroupLayout& layout = cgroup_layout();
    const bool hybrid = !layout.v1.empty();
    bool fresh = true;
    if (keeper == Keeper::systemd) {
        scope.emplace(path, resources);
    } else {
        fresh = !layout.v2.empty() && make_group_v2(layout.v2, path, !hybrid);
    }
    for (const std::string& hierarchy : hierarchies) make_group_v1(hierarchy, path);
    if (!fresh) check_vacant(*this);
    try {
        if (hybrid) {
            apply_v1(path, resources);
            apply_unified(v2_directory(), resources.unified);
        } else {
            apply_v2(v2_directory(), resources);
        }
        apply_devices(*this, resources);
    } catch (const Error&) {
        (void)remove_all();
        throw;
    }
}

void Limits::make(const Resources& resources) {
    if (!exists()) return;
    try {
        impl_->make(resources);
    } catch (const SysError& e) {
        const bool refused = e.kind() == ErrorKind::permission_denied || e.error_number() == EROFS;
        if (!refused || !may_do_without(resources)) throw;
        *impl_ = {};
    }
}

Limits Limits::create(const std::string& id, const std::string& path, const Resources& resources) {
    Limits limits = plan(id, path, resources);
    limits.make(resources);
    return limits;
}

Limits Limits::open(const std::string& handle) {
    auto impl = std::make_unique<Impl>();
    if (handle == no_group) return Limits(std::move(impl));
    auto [hierarchies, path] = split_once(handle, ' ');
    for (std::string& hierarchy : split(hierarchies, '+')) {
        if (!hierarchy.empty()) impl->hierarchies.insert(std::move(hierarchy));
    }
    if (impl->hierarchies.erase(of_systemd) != 0) impl->keeper = Keeper::systemd;
    impl->path = path.value_or("");
    if (impl->path.size() < 2)
        throw Error(ErrorKind::internal, "unreadable control group handle {:?}", handle);
    return Limits(std::move(impl));
}

bool Limits::exists() const { return !impl_->path.empty(); }

std::string Limits::handle() const {
    if (!exists()) return no_group;
    const std::set<std::string>& hierarchies = impl_->hierarchies;
    return (impl_->keeper == Keeper::systemd
                ? of_systemd
                : join({hierarchies.begin(), hierarchies.end()}, "+")) +
           " " + impl_->path;
}

void Limits::update(const Resources& resources) {
    const CgroupLayout& layout = cgroup_layout();
    check_obsolete(resources);
    impl_->require("limits");
    const auto& limit = resources.memory.limit;
    if (resources.memory.check_before_update && limit && *limit > 0 &&
        usage().memory_usage > static_cast<std::uint64_t>(*limit)) {
        throw Error(ErrorKind::failed_precondition,
                    "memory.limit {}: more than that is in use, and checkBeforeUpdate is set",
                    *limit);
    }
    if (impl_->keeper == Keeper::systemd) update_scope(impl_->path, resources);
    if (layout.v1.empty()) {
        apply_v2(impl_->v2_directory(), resources);
    } else {
        impl_->join(needed_hierarchies(resources, false));
        apply_v1(impl_->path, resources);
        apply_unified(impl_->v2_directory(), resources.unified);
    }
    apply_devices(*impl_, resources);
}

void Limits::enter_below(const std::string& where) {
    impl_->require("groups beneath");
    const auto [controllers, path] = split_once(where, ':');
    std::string beneath = "/" + path.value_or(controllers);
    for (const std::string& part : split(beneath, '/')) {
        if (part == "..")
            throw Error(ErrorKind::invalid_argument, "bad sub cgroup path {:?}", where);
    }
    const CgroupLayout& layout = cgroup_layout();
    if (!path) {
        if (!layout.v2.empty()) impl_->below[""] = beneath;
        for (const std::string& hierarchy : impl_->hierarchies) impl_->below[hierarchy] = beneath;
        return;
    }
    for (const std::string& controller : split(controllers, ',')) {
        const auto found = layout.v1.find(controller);
        if (found == layout.v1.end())
            throw Error(ErrorKind::invalid_argument, "unknown controller {:?} in {:?}", controller,
                        where);
        if (!impl_->hierarchies.contains(found->second)) {
            throw Error(ErrorKind::failed_precondition,
                        "{:?}: no limit of the container needs the controller {}, so that it has "
                        "no group there",
                        where, controller);
        }
        impl_->below[found->second] = beneath;
    }
}

std::vector<pid_t> Limits::processes() const {
    if (!exists()) return {};
    return group_processes(impl_->tracking_directory());
}

void Limits::signal_all(int signal) {
    if (!exists()) return;
    const std::string directory = impl_->tracking_directory();
    if (signal == SIGKILL && try_write_control(directory, "cgroup.kill", "1")) return;
    for (const pid_t pid : processes()) {
        if (::kill(pid, signal) != 0 && errno != ESRCH)
            throw SysError("send signal {} to process {}", signal, pid);
    }
}

Usage Limits::usage() const {
    Usage usage;
    if (!exists()) return usage;
    if (!cgroup_layout().v2.empty()) read_usage_v2(impl_->v2_directory(), usage);
    read_usage_v1(impl_->hierarchies, impl_->path, usage);
    // Without controllers that count, count by hand.
    if (usage.memory_usage != 0 && usage.pids != 0) return usage;
    const auto pids = processes();
    if (usage.pids == 0) usage.pids = pids.size();
    if (usage.memory_usage == 0) {
        for (const pid_t pid : pids) add_memory_of(pid, usage);
    }
    return usage;
}

std::uint64_t Limits::oom_kills() const {
    if (!cgroup_layout().v2.empty()) {
        if (const auto kills = oom_kills_v2(impl_->v2_directory()); kills != 0) return kills;
    }
    return oom_kills_v1(impl_->hierarchies, impl_->path);
}

}  // namespace brig::os
