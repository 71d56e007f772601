// See systemd_scope.h. The limits are systemd's properties, which it would else set back at its
// next reload, and are written to the group besides, for those that it has no property for.
#include "os/linux/systemd_scope.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/defer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "os/linux/clone_process.h"
#include "os/run_program.h"

namespace brig::os {
namespace {

/// As sd_booted(3) finds out.
bool systemd_runs() {
    struct stat info {};
    return ::lstat("/run/systemd/system", &info) == 0 && S_ISDIR(info.st_mode);
}

/// A call of systemd's object, as busctl(1) takes it: method, signature of the arguments,
/// arguments.
std::vector<std::string> systemd_call(std::vector<std::string> call) {
    constexpr const char* name = "org.freedesktop.systemd1";
    std::vector<std::string> words{"busctl",
                                   "--quiet",
                                   "call",
                                   name,
                                   "/org/freedesktop/systemd1",
                                   fmt::format("{}.Manager", name)};
    words.insert(words.end(), call.begin(), call.end());
    return words;
}

/// Throws with what it said.
void run_busctl(std::vector<std::string> words) {
    const auto result = run_program({.words = std::move(words), .keep_messages = true});
    if (result.succeeded) return;
    // A unit of that name: not ours to stop.
    const bool taken = result.messages.find("already") != std::string::npos;
    throw Error(taken ? ErrorKind::conflict : ErrorKind::unavailable, "systemd: {}",
                trim(result.messages));
}

std::string unit_of(const std::string& path) { return std::filesystem::path(path).filename(); }

/// Until systemd has done what it was asked for: its answers come when a job is queued.
template <typename Done>
void await(const Done& done, std::string_view what, const std::string& path) {
    using namespace std::chrono_literals;
    for (int i = 0; i < 1000; ++i) {
        if (done()) return;
        std::this_thread::sleep_for(10ms);
    }
    throw Error(ErrorKind::unavailable, "systemd did not {} the scope {} within 10 s", what, path);
}

std::string number_or_infinity(std::int64_t value) {
    return std::to_string(value < 0 ? UINT64_MAX : static_cast<std::uint64_t>(value));
}

/// By the names that `systemctl show` has for them, as busctl(1) takes them: name, type and value
/// in turn.
std::vector<std::string> scope_properties(const Resources& resources) {
    std::vector<std::string> out;
    const auto add = [&](const char* name, const char* type, std::string value) {
        out.insert(out.end(), {name, type, std::move(value)});
    };
    const auto& memory = resources.memory;
    if (memory.limit.value_or(0) != 0) add("MemoryMax", "t", number_or_infinity(*memory.limit));
    if (memory.reservation.value_or(0) != 0)
        add("MemoryLow", "t", number_or_infinity(*memory.reservation));
    if (memory.swap.value_or(0) != 0 && (*memory.swap < 0 || memory.limit.value_or(0) > 0))
        add("MemorySwapMax", "t",
            number_or_infinity(*memory.swap < 0 ? -1 : *memory.swap - *memory.limit));
    const auto& cpu = resources.cpu;
    if (cpu.shares.value_or(0) != 0) {
        const auto shares = std::clamp<std::uint64_t>(*cpu.shares, 2, 262144);
        add("CPUWeight", "t", std::to_string(1 + (shares - 2) * 9999 / 262142));
    }
    if (cpu.quota.value_or(0) > 0) {
        const auto period = static_cast<std::int64_t>(cpu.period.value_or(0));
        add("CPUQuotaPerSecUSec", "t",
            std::to_string(*cpu.quota * 1'000'000 / (period > 0 ? period : 100'000)));
    }
    if (resources.pids_limit)
        add("TasksMax", "t",
            number_or_infinity(*resources.pids_limit == 0 ? 1 : *resources.pids_limit));
    return out;
}

}  // namespace

void check_systemd(const std::string& cgroups_path) {
    if (!systemd_runs()) {
        throw Error(ErrorKind::failed_precondition,
                    "systemd cgroup flag passed, but systemd support for managing cgroups is not "
                    "available");
    }
    const auto parts = split(cgroups_path, ':');
    if (!cgroups_path.empty() && parts.size() != 3) {
        throw Error(ErrorKind::invalid_argument,
                    "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd "
                    "cgroups, got {:?} instead",
                    cgroups_path);
    }
    if (::geteuid() != 0) {
        throw Error(ErrorKind::not_implemented,
                    "--systemd-cgroup: not for ordinary users, whose groups are delegated ones");
    }
}

std::string slice_path(const std::string& slice) {
    constexpr std::string_view suffix = ".slice";
    const bool plain = slice.ends_with(suffix) && slice.find('/') == std::string::npos;
    const std::string name = plain ? slice.substr(0, slice.size() - suffix.size()) : "";
    if (name == "-") return "";  // the root
    if (name.empty() || name.front() == '-' || name.back() == '-' ||
        name.find("--") != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "cgroupsPath: {:?} is no slice of systemd's",
                    slice);
    }
    std::string path;
    for (auto dash = name.find('-'); dash != std::string::npos; dash = name.find('-', dash + 1))
        path += fmt::format("/{}{}", name.substr(0, dash), suffix);
    return path + "/" + slice;
}

SystemdScope::SystemdScope(const std::string& path, const Resources& resources) {
    CloneResult child = clone_process(0, -1);
    if (child.pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) ::pause();
    }
    pid_ = child.pid;
    process_ = std::move(child.pidfd);
    // As nothing destroys what was not constructed.
    Defer end_process([this] { end(); });
    run_busctl(scope_call(path, pid_, resources));
    await(
        [&] {
            return read_file(fmt::format("/proc/{}/cgroup", pid_)).find("0::" + path + "\n") !=
                   std::string::npos;
        },
        "make", path);
    end_process.dismiss();
}

std::vector<std::string> scope_call(const std::string& path, pid_t pid,
                                    const Resources& resources) {
    const std::filesystem::path group = path;
    const std::string name = unit_of(path);
    const std::string slice = group.parent_path().filename();
    std::vector<std::string> properties = scope_properties(resources);
    const auto add = [&](const char* property, const char* type, std::string value) {
        properties.insert(properties.end(), {property, type, std::move(value)});
    };
    add("Description", "s", "container " + name);
    add("Slice", "s", slice.empty() ? "-.slice" : slice);
    add("Delegate", "b", "true");
    add("DefaultDependencies", "b", "false");
    add("CollectMode", "s", "inactive-or-failed");
    std::vector<std::string> words = systemd_call(
        {"StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail",
         std::to_string(properties.size() / 3 + 1), "PIDs", "au", "1", std::to_string(pid)});
    words.insert(words.end(), properties.begin(), properties.end());
    words.emplace_back("0");  // no other units
    return words;
}

void update_scope(const std::string& path, const Resources& resources) {
    const std::vector<std::string> properties = scope_properties(resources);
    if (properties.empty()) return;
    std::vector<std::string> words = systemd_call({"SetUnitProperties", "sba(sv)", unit_of(path),
                                                   "true", std::to_string(properties.size() / 3)});
    words.insert(words.end(), properties.begin(), properties.end());
    run_busctl(std::move(words));
}

void stop_scope(const std::string& path) {
    const ProgramCall stop{.words = systemd_call({"StopUnit", "ss", unit_of(path), "replace"}),
                           .keep_messages = true};
    // Asked until it is not known any more: then the name is free.
    await([&] { return !run_program(stop).succeeded; }, "end", path);
}

SystemdScope::~SystemdScope() { end(); }

void SystemdScope::end() const {
    if (!process_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

}  // namespace brig::os
