// See process_setup.h.
#include "os/freebsd/process_setup.h"

#include <fcntl.h>
#include <sys/param.h>
#include <sys/procctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "base/error.h"
#include "base/log.h"
#include "os/find_program.h"

namespace brig::os {
namespace {

struct LimitName {
    std::string_view name;
    int resource;
};
constexpr std::array limit_names{
    LimitName{"RLIMIT_AS", RLIMIT_AS},           LimitName{"RLIMIT_CORE", RLIMIT_CORE},
    LimitName{"RLIMIT_CPU", RLIMIT_CPU},         LimitName{"RLIMIT_DATA", RLIMIT_DATA},
    LimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},     LimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    LimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},   LimitName{"RLIMIT_NPROC", RLIMIT_NPROC},
    LimitName{"RLIMIT_RSS", RLIMIT_RSS},         LimitName{"RLIMIT_STACK", RLIMIT_STACK},
    LimitName{"RLIMIT_NPTS", RLIMIT_NPTS},       LimitName{"RLIMIT_SWAP", RLIMIT_SWAP},
    LimitName{"RLIMIT_KQUEUES", RLIMIT_KQUEUES}, LimitName{"RLIMIT_UMTXP", RLIMIT_UMTXP}};

/// Those that only Linux has mean nothing here.
const LimitName* find_limit(const std::string& name) {
    const auto* found = std::find_if(limit_names.begin(), limit_names.end(),
                                     [&](const auto& l) { return l.name == name; });
    return found == limit_names.end() ? nullptr : found;
}

/// Linux's own are refused, not ignored.
void refuse_linux_settings(const ProcessSpec& process) {
    const auto refuse = [](bool wanted, std::string_view name) {
        if (!wanted) return;
        throw Error(ErrorKind::not_implemented, "process.{} has no counterpart on FreeBSD", name);
    };
    refuse(!process.apparmor_profile.empty(), "apparmorProfile");
    refuse(!process.selinux_label.empty(), "selinuxLabel");
    refuse(process.scheduler.has_value(), "scheduler");
    refuse(process.io_priority.has_value(), "ioPriority");
    refuse(process.oom_score_adj.value_or(0) != 0, "oomScoreAdj");
    refuse(process.exec_affinity.has_value(), "execCPUAffinity");
}

}  // namespace

ProcessSetup::ProcessSetup(const ProcessSpec& process)
    : process_(process), environment_(process.env) {
    if (process.args.empty())
        throw Error(ErrorKind::invalid_argument, "process.args: want a program to run");
    if (!process.cwd.starts_with('/')) {
        throw Error(ErrorKind::invalid_argument, "process.cwd: {:?} is not absolute", process.cwd);
    }
    refuse_linux_settings(process);
    constexpr std::uint32_t max_id = INT_MAX;
    if (process.user.uid > max_id || process.user.gid > max_id) {
        throw Error(ErrorKind::invalid_argument, "process.user: {}:{} is out of range",
                    process.user.uid, process.user.gid);
    }
}

void ProcessSetup::detach_from_parent() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &standard, nullptr);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
}

void ProcessSetup::close_inherited(std::vector<int> keep, int preserved) {
    std::sort(keep.begin(), keep.end());
    unsigned first = 3 + static_cast<unsigned>(preserved);
    for (const int fd : keep) {
        if (fd < static_cast<int>(first)) continue;
        const auto number = static_cast<unsigned>(fd);
        if (number > first) ::close_range(first, number - 1, 0);
        first = number + 1;
    }
    ::close_range(first, UINT_MAX, 0);
}

void ProcessSetup::apply_limits() const {
    for (const Rlimit& limit : process_.rlimits) {
        const auto* known = find_limit(limit.type);
        if (known == nullptr) {
            log::warn("{} is not a limit of this kernel", limit.type);
            continue;
        }
        const auto clamp = [](std::uint64_t value) {
            return static_cast<rlim_t>(std::min<std::uint64_t>(value, RLIM_INFINITY));
        };
        const rlimit value{clamp(limit.soft), clamp(limit.hard)};
        if (::setrlimit(known->resource, &value) == 0) continue;
        if (errno != EPERM) throw SysError("set {}", limit.type);
        log::warn("{} is not raised to {}: not permitted", limit.type, limit.hard);
    }
}

void ProcessSetup::enter_working_directory() const {
    // After jail_attach(2) the working directory is the jail's root, so this stays inside.
    if (::chdir(process_.cwd.c_str()) != 0)
        throw SysError("enter the working directory {}", process_.cwd);
}

void ProcessSetup::change_identity() const {
    const ProcessUser& user = process_.user;
    for (int fd = 0; fd < 3; ++fd) {
        // Programs reopen their standard descriptors by path. Refused for what is the host's.
        struct stat info {};
        if (::fstat(fd, &info) != 0 || info.st_uid == user.uid || S_ISREG(info.st_mode) ||
            S_ISDIR(info.st_mode))
            continue;
        if (S_ISCHR(info.st_mode) && ::isatty(fd) == 0) continue;
        [[maybe_unused]] const int ignored = ::fchown(fd, user.uid, static_cast<gid_t>(-1));
    }
    // Up to FreeBSD 14 the first entry is the effective group id.
    std::vector<gid_t> groups{user.gid};
    groups.insert(groups.end(), user.additional_gids.begin(), user.additional_gids.end());
    if (::setgroups(static_cast<int>(groups.size()), groups.data()) != 0)
        throw SysError("set the additional groups");
    if (::setresgid(user.gid, user.gid, user.gid) != 0) throw SysError("become group {}", user.gid);
    if (::setresuid(user.uid, user.uid, user.uid) != 0) throw SysError("become user {}", user.uid);
    ::umask(static_cast<mode_t>(user.umask.value_or(022)));
}

void ProcessSetup::find_program() {
    program_ = os::find_program(process_.args.front(), environment_);
    complete_environment(environment_, process_.user.uid);
}

void ProcessSetup::execute(int preserved) const {
    int enable = PROC_NO_NEW_PRIVS_ENABLE;
    if (process_.no_new_privileges &&
        ::procctl(P_PID, ::getpid(), PROC_NO_NEW_PRIVS_CTL, &enable) != 0) {
        throw SysError("set no_new_privs");
    }
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
