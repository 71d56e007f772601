// Limits over control groups: one group in version 2 where there is one, which tracks, freezes and
// kills, and groups in those hierarchies of version 1 whose limits are asked for.
#include "os/limits.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/strings.h"
#include "os/linux/cgroup_devices.h"
#include "os/linux/cgroup_files.h"
#include "os/linux/cgroup_layout.h"
#include "os/linux/cgroup_v1.h"
#include "os/linux/cgroup_v2.h"
#include "os/linux/limits_impl.h"

namespace brig::os {
namespace {

using namespace std::chrono_literals;

bool frozen_v2(const std::string& directory) {
    const auto events = read_table(directory, "cgroup.events");
    const auto found = events.find("frozen");
    return found != events.end() && found->second == 1;
}

/// Polls: the waits here are microseconds in the common case.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (auto pause = 50us; !condition();
         pause = std::min<std::chrono::microseconds>(pause * 2, 20ms)) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(pause);
    }
    return true;
}

void add_memory_of(pid_t pid, Usage& usage) {
    const auto fields = split(read_control(fmt::format("/proc/{}", pid), "statm"), ' ');
    if (fields.size() < 2) return;
    usage.memory_usage += parse_int<std::uint64_t>(fields[1]).value_or(0) *
                          static_cast<std::uint64_t>(::getpagesize());
}

void apply_devices(const Limits::Impl& impl, const Resources& resources) {
    if (resources.devices.empty()) return;
    const auto rules = with_harmless_devices(resources.devices);
    if (const Fd group = impl.open_v2()) {
        attach_device_rules(group.get(), rules);
    } else {
        write_device_rules_v1(v1_directory(cgroup_layout().v1.at("devices"), impl.path), rules);
    }
}

}  // namespace

std::string Limits::Impl::v2_directory() const {
    return cgroup_layout().v2.empty() ? "" : cgroup_layout().v2 + path;
}

std::string Limits::Impl::tracking_directory() const {
    if (!cgroup_layout().v2.empty()) return v2_directory();
    return v1_directory("freezer", path);
}

Fd Limits::Impl::open_v2() const {
    if (cgroup_layout().v2.empty()) return {};
    return open_file(v2_directory(), O_RDONLY | O_DIRECTORY);
}

void Limits::Impl::attach(pid_t pid) const {
    for (const std::string& hierarchy : hierarchies) {
        write_control(v1_directory(hierarchy, path), "cgroup.procs", std::to_string(pid));
    }
}

CgroupView Limits::Impl::view() const {
    return {{hierarchies.begin(), hierarchies.end()}, !cgroup_layout().v2.empty()};
}

void Limits::Impl::join(const std::set<std::string>& more) {
    for (const std::string& hierarchy : more) {
        if (!hierarchies.insert(hierarchy).second) continue;
        make_group_v1(hierarchy, path);
        // Processes may fork while they are moved: again until nothing new is found.
        std::set<pid_t> moved;
        for (bool found = true; found;) {
            found = false;
            for (const pid_t pid : group_processes(tracking_directory())) {
                if (!moved.insert(pid).second) continue;
                found = true;
                try {
                    write_control(v1_directory(hierarchy, path), "cgroup.procs",
                                  std::to_string(pid));
                } catch (const SysError& e) {
                    if (e.error_number() != ESRCH) throw;
                }
            }
        }
    }
}

bool Limits::Impl::remove_all() const {
    bool gone = cgroup_layout().v2.empty() || remove_group(v2_directory());
    for (const std::string& hierarchy : hierarchies)
        gone = remove_group(v1_directory(hierarchy, path)) && gone;
    return gone;
}

Limits::Limits(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Limits::Limits(Limits&&) noexcept = default;
Limits& Limits::operator=(Limits&&) noexcept = default;
Limits::~Limits() = default;

Limits Limits::create(const std::string& id, const std::string& path, const Resources& resources) {
    const CgroupLayout& layout = cgroup_layout();
    auto impl = std::make_unique<Impl>();
    impl->path = cgroup_path(id, path);
    if (layout.v2.empty() && layout.v1.empty()) {
        throw Error(ErrorKind::failed_precondition,
                    "no control groups are mounted on /sys/fs/cgroup");
    }
    const bool hybrid = !layout.v1.empty();
    if (hybrid) impl->hierarchies = needed_hierarchies(resources, layout.v2.empty());
    Limits limits(std::move(impl));
    const Impl& made = limits.impl();
    if (!layout.v2.empty()) make_group_v2(layout.v2, made.path, !hybrid);
    for (const std::string& hierarchy : made.hierarchies) make_group_v1(hierarchy, made.path);
    if (!group_processes(made.tracking_directory()).empty()) {
        throw Error(ErrorKind::conflict, "control group {} has processes already", made.path);
    }
    try {
        if (hybrid) {
            apply_v1(made.path, resources);
            for (const auto& [file, value] : resources.unified)
                write_control(made.v2_directory(), file, value);
        } else {
            apply_v2(made.v2_directory(), resources);
        }
        apply_devices(made, resources);
    } catch (const Error&) {
        (void)made.remove_all();
        throw;
    }
    return limits;
}

Limits Limits::open(const std::string& handle) {
    auto impl = std::make_unique<Impl>();
    auto [hierarchies, path] = split_once(handle, ' ');
    for (std::string& hierarchy : split(hierarchies, '+')) {
        if (!hierarchy.empty()) impl->hierarchies.insert(std::move(hierarchy));
    }
    impl->path = path.value_or("");
    if (impl->path.size() < 2)
        throw Error(ErrorKind::internal, "unreadable control group handle {:?}", handle);
    return Limits(std::move(impl));
}

std::string Limits::handle() const {
    return join({impl_->hierarchies.begin(), impl_->hierarchies.end()}, "+") + " " + impl_->path;
}

void Limits::update(const Resources& resources) {
    const CgroupLayout& layout = cgroup_layout();
    if (layout.v1.empty()) {
        apply_v2(impl_->v2_directory(), resources);
    } else {
        impl_->join(needed_hierarchies(resources, false));
        apply_v1(impl_->path, resources);
    }
    apply_devices(*impl_, resources);
}

std::vector<pid_t> Limits::processes() const {
    return group_processes(impl_->tracking_directory());
}

void Limits::signal_all(int signal) {
    const std::string directory = impl_->tracking_directory();
    if (signal == SIGKILL && try_write_control(directory, "cgroup.kill", "1")) return;
    for (const pid_t pid : processes()) {
        if (::kill(pid, signal) != 0 && errno != ESRCH)
            throw SysError("send signal {} to process {}", signal, pid);
    }
}

void Limits::freeze() {
    const std::string directory = impl_->tracking_directory();
    if (cgroup_layout().v2.empty()) {
        const bool done = wait_until(
            [&] {
                write_control(directory, "freezer.state", "FROZEN");
                return trim(read_control(directory, "freezer.state")) == "FROZEN";
            },
            2000ms);
        if (!done) throw Error(ErrorKind::unavailable, "the container does not freeze");
        return;
    }
    write_control(directory, "cgroup.freeze", "1");
    if (wait_until([&] { return frozen_v2(directory); }, 2000ms)) return;
    write_control(directory, "cgroup.freeze", "0");
    throw Error(ErrorKind::unavailable, "the container does not freeze");
}

void Limits::thaw() {
    const bool v1 = cgroup_layout().v2.empty();
    write_control(impl_->tracking_directory(), v1 ? "freezer.state" : "cgroup.freeze",
                  v1 ? "THAWED" : "0");
}

bool Limits::frozen() const {
    const std::string directory = impl_->tracking_directory();
    if (!cgroup_layout().v2.empty()) return trim(read_control(directory, "cgroup.freeze")) == "1";
    return trim(read_control(directory, "freezer.state")).starts_with("FR");
}

Usage Limits::usage() const {
    Usage usage;
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

void Limits::remove() {
    const std::string directory = impl_->tracking_directory();
    if (impl_->remove_all()) return;
    const bool gone = wait_until(
        [&] {
            if (!processes().empty()) {
                signal_all(SIGKILL);
                if (frozen()) thaw();
            }
            return impl_->remove_all();
        },
        10000ms);
    if (!gone)
        throw Error(ErrorKind::unavailable,
                    "control group {} cannot be removed: its processes do not end", impl_->path);
}

}  // namespace brig::os
