// See process_setup.h.
#include "os/linux/process_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "base/unix_socket.h"
#include "os/find_program.h"
#include "os/linux/seccomp.h"

namespace brig::os {
namespace {

struct LimitName {
    std::string_view name;
    int resource;
};
constexpr std::array limit_names{LimitName{"RLIMIT_AS", RLIMIT_AS},
                                 LimitName{"RLIMIT_CORE", RLIMIT_CORE},
                                 LimitName{"RLIMIT_CPU", RLIMIT_CPU},
                                 LimitName{"RLIMIT_DATA", RLIMIT_DATA},
                                 LimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},
                                 LimitName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
                                 LimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                                 LimitName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                                 LimitName{"RLIMIT_NICE", RLIMIT_NICE},
                                 LimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
                                 LimitName{"RLIMIT_NPROC", RLIMIT_NPROC},
                                 LimitName{"RLIMIT_RSS", RLIMIT_RSS},
                                 LimitName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                                 LimitName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
                                 LimitName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
                                 LimitName{"RLIMIT_STACK", RLIMIT_STACK}};

const LimitName& find_limit(const std::string& name) {
    const auto* found =
        std::ranges::find_if(limit_names, [&](const auto& l) { return l.name == name; });
    if (found == limit_names.end()) {
        throw Error(ErrorKind::invalid_argument, "rlimits: unknown limit {:?}", name);
    }
    return *found;
}

void check_rlimits(const std::vector<Rlimit>& limits) {
    std::vector<int> seen;
    for (const Rlimit& limit : limits) {
        const int resource = find_limit(limit.type).resource;
        if (std::ranges::find(seen, resource) != seen.end())
            throw Error(ErrorKind::invalid_argument, "rlimits: {} is given twice", limit.type);
        seen.push_back(resource);
    }
}

/// The message and the descriptor in one packet or none: after the filter is in force, this one
/// call is all that it must let through.
void send_listener(int socket, const std::string& message, int descriptor) {
    if (!send_message(socket, message, descriptor))
        throw SysError("tell the listener of seccomp.listenerPath");
}

}  // namespace

ProcessSetup::ProcessSetup(const ProcessSpec& process, const SyscallFilter& filter)
    : process_(process), filter_(filter), scheduling_(process), environment_(process.env) {
    if (process.args.empty()) {
        throw Error(ErrorKind::invalid_argument, "process.args: want a program to run");
    }
    if (!process.cwd.starts_with('/')) {
        throw Error(ErrorKind::invalid_argument, "process.cwd: {:?} is not absolute", process.cwd);
    }
    // CVE-2024-40635: numbers past 2^31-1 wrap in some place or other.
    constexpr std::uint32_t max_id = INT_MAX;
    if (process.user.uid > max_id || process.user.gid > max_id) {
        throw Error(ErrorKind::invalid_argument, "process.user: {}:{} is out of range",
                    process.user.uid, process.user.gid);
    }
    check_labels(process);
    check_rlimits(process.rlimits);
    if (process.capabilities) capabilities_ = capability_masks(*process.capabilities);
}

void ProcessSetup::detach_from_parent() {
    // The kernel's own call: libc's refuses the two signals it keeps for itself, which a parent may
    // have left ignored. All zero is SIG_DFL without flags.
    constexpr std::array<std::uint64_t, 4> standard{};
    for (int signal = 1; signal < NSIG; ++signal) {
        ::syscall(SYS_rt_sigaction, signal, standard.data(), nullptr, sizeof(std::uint64_t));
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    ::umask(022);  // for what is made on the way
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) throw SysError("forbid tracing");
}

void ProcessSetup::close_inherited(std::vector<int> keep, int preserved) {
    std::ranges::sort(keep);
    unsigned first = 3 + static_cast<unsigned>(preserved);
    for (const int fd : keep) {
        if (fd < static_cast<int>(first)) continue;
        const auto number = static_cast<unsigned>(fd);
        if (number > first) ::close_range(first, number - 1, 0);
        first = number + 1;
    }
    ::close_range(first, UINT_MAX, 0);
}

void ProcessSetup::apply_scores_and_limits() const {
    scheduling_.apply();
    if (process_.oom_score_adj) {
        const std::string text = std::to_string(*process_.oom_score_adj);
        const Fd file = open_in_procfs("self/oom_score_adj", O_WRONLY);
        if (::write(file.get(), text.data(), text.size()) < 0) {
            if (errno != EACCES) throw SysError("set oom_score_adj to {}", text);
            log::warn("oom_score_adj {} is not set: it may not be lowered here", text);
        }
    }
    for (const Rlimit& limit : process_.rlimits) {
        const rlimit value{limit.soft, limit.hard};
        if (::setrlimit(static_cast<__rlimit_resource_t>(find_limit(limit.type).resource),
                        &value) == 0)
            continue;
        if (errno != EPERM) throw SysError("set {}", limit.type);
        log::warn("{} is not raised to {}: CAP_SYS_RESOURCE is missing", limit.type, limit.hard);
    }
}

void ProcessSetup::enter_working_directory() const {
    if (::chdir(process_.cwd.c_str()) != 0)
        throw SysError("enter the working directory {}", process_.cwd);
    // The kernel says "(unreachable)…" for a directory outside the root; glibc hides that.
    std::array<char, PATH_MAX> buffer;
    const long length = ::syscall(SYS_getcwd, buffer.data(), buffer.size());
    if (length <= 0 || buffer[0] != '/') {
        throw Error(ErrorKind::permission_denied,
                    "the working directory {} is outside the container's root", process_.cwd);
    }
}

/// Programs reopen /dev/stdout by path: pipes and terminals must belong to the user.
void ProcessSetup::own_stdio() const {
    for (int fd = 0; fd < 3; ++fd) {
        struct stat info {};
        if (::fstat(fd, &info) != 0 || info.st_uid == process_.user.uid) continue;
        if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3)) continue;
        if (!S_ISCHR(info.st_mode) && !S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode)) continue;
        // Refused for what belongs to the host: then it stays as it is.
        [[maybe_unused]] const int ignored =
            ::fchown(fd, process_.user.uid, static_cast<gid_t>(-1));
    }
}

void ProcessSetup::change_identity() const {
    own_stdio();
    if (capabilities_) limit_bounding_set(capabilities_->bounding);
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) throw SysError("keep capabilities");
    const ProcessUser& user = process_.user;
    const std::vector<gid_t> groups(user.additional_gids.begin(), user.additional_gids.end());
    // EPERM: a user namespace without setgroups; then there are none to get rid of either.
    if (::setgroups(groups.size(), groups.data()) != 0 && (errno != EPERM || !groups.empty())) {
        throw SysError("set the additional groups");
    }
    if (::setresgid(user.gid, user.gid, user.gid) != 0) throw SysError("become group {}", user.gid);
    if (::setresuid(user.uid, user.uid, user.uid) != 0) throw SysError("become user {}", user.uid);
    ::umask(user.umask.value_or(022));
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void ProcessSetup::find_program() {
    // The user's own rights, which the change of user took out of effect.
    if (capabilities_ && process_.user.uid != 0 && capabilities_->effective != 0)
        make_effective(capabilities_->effective);
    program_ = os::find_program(process_.args.front(), environment_);
    complete_environment(environment_, process_.user.uid);
}

void ProcessSetup::install_filter(const SandboxCallbacks& callbacks, pid_t host_pid) const {
    if (!filter_.notifies()) return (void)load_filter(filter_);
    if (callbacks.filter_listener < 0) {
        throw Error(ErrorKind::invalid_argument,
                    "seccomp: SCMP_ACT_NOTIFY needs seccomp.listenerPath");
    }
    const std::string message = callbacks.listener_message(host_pid);
    const Fd questions = load_filter(filter_);
    send_listener(callbacks.filter_listener, message, questions.get());
}

void ProcessSetup::lock_down(const SandboxCallbacks& callbacks, pid_t host_pid) const {
    labels_.apply(process_);
    if (process_.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        throw SysError("set no_new_privs");
    }
    const bool filter_first = !process_.no_new_privileges && !filter_.empty();
    if (filter_first) {
        raise_permitted();  // loading a filter takes CAP_SYS_ADMIN or no_new_privs
        install_filter(callbacks, host_pid);
    }
    if (capabilities_) {
        set_capabilities(*capabilities_);
    } else if (process_.user.uid != 0) {
        set_capabilities({});
    }
    if (!filter_first && !filter_.empty()) install_filter(callbacks, host_pid);
}

void ProcessSetup::execute(int preserved) const {
    std::vector<char*> args;
    for (const std::string& arg : process_.args) args.push_back(const_cast<char*>(arg.c_str()));
    args.push_back(nullptr);
    std::vector<char*> env;
    for (const std::string& variable : environment_)
        env.push_back(const_cast<char*>(variable.c_str()));
    env.push_back(nullptr);
    ::close_range(3 + static_cast<unsigned>(preserved), UINT_MAX, CLOSE_RANGE_CLOEXEC);
    for (int fd = 3; fd < 3 + preserved; ++fd) ::fcntl(fd, F_SETFD, 0);
    ::execve(program_.c_str(), args.data(), env.data());
    const int error = errno;
    const ErrorKind kind = error == ENOENT ? ErrorKind::not_found : ErrorKind::permission_denied;
    const SysError text(error, fmt::format("exec {}", program_));
    throw Error(kind, "{}", text.message());
}

}  // namespace brig::os
