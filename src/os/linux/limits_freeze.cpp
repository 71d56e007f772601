// The waits of a container's group: until all of it stands still, and until all of it is gone.
#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "base/strings.h"
#include "os/linux/cgroup_files.h"
#include "os/linux/cgroup_layout.h"
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

}  // namespace

void Limits::freeze() {
    impl_->require("pausing");
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
    if (!exists()) return;
    const bool v1 = cgroup_layout().v2.empty();
    write_control(impl_->tracking_directory(), v1 ? "freezer.state" : "cgroup.freeze",
                  v1 ? "THAWED" : "0");
}

bool Limits::frozen() const { return impl_->frozen(); }

bool Limits::Impl::frozen() const {
    if (path.empty()) return false;
    const std::string directory = tracking_directory();
    if (!cgroup_layout().v2.empty()) return trim(read_control(directory, "cgroup.freeze")) == "1";
    return trim(read_control(directory, "freezer.state")).starts_with("FR");
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
