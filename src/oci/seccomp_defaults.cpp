// Docker's default system call filter as data: what is always allowed, what some capabilities or
// architectures add. Kept in step with moby/profiles seccomp/default.json.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "oci/json_fields.h"
#include "oci/runtime_defaults.h"

namespace brig::os {
void read_value(const oci::json& j, SeccompArg& out);  // runtime_spec.cpp
}

namespace brig::oci {
namespace {

constexpr std::string_view allow = "SCMP_ACT_ALLOW";

constexpr std::string_view always_allowed =
    "accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown "
    "chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
    "clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect "
    "copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old "
    "epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit "
    "exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod "
    "fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr "
    "flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate "
    "ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat "
    "getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 "
    "getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority "
    "getrandom getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage "
    "getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr "
    "getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel ioctl "
    "io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set io_setup "
    "io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown "
    "lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr _llseek "
    "lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create "
    "memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect "
    "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock "
    "munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause "
    "pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll "
    "ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv "
    "process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead "
    "readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages "
    "removexattr removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq "
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
    "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr "
    "sched_getparam sched_get_priority_max sched_get_priority_min sched_getscheduler "
    "sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr "
    "sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop "
    "semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 "
    "setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority "
    "setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit "
    "set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setuid32 setxattr "
    "setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask "
    "sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink "
    "symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete "
    "timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create "
    "timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate "
    "truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 "
    "utimes vfork vmsplice wait4 waitid waitpid write writev";

struct CapabilityCalls {
    std::string_view capability;
    std::string_view calls;
};
constexpr std::array capability_calls{
    CapabilityCalls{"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    CapabilityCalls{"CAP_SYS_ADMIN",
                    "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
                    "lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr "
                    "move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
                    "sethostname setns syslog umount umount2 unshare"},
    CapabilityCalls{"CAP_SYS_BOOT", "reboot"},
    CapabilityCalls{"CAP_SYS_CHROOT", "chroot"},
    CapabilityCalls{"CAP_SYS_MODULE", "delete_module init_module finit_module"},
    CapabilityCalls{"CAP_SYS_PACCT", "acct"},
    CapabilityCalls{"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    CapabilityCalls{"CAP_SYS_RAWIO", "iopl ioperm"},
    CapabilityCalls{"CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"},
    CapabilityCalls{"CAP_SYS_TTY_CONFIG", "vhangup"},
    CapabilityCalls{"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    CapabilityCalls{"CAP_SYSLOG", "syslog"},
    CapabilityCalls{"CAP_BPF", "bpf"},
    CapabilityCalls{"CAP_PERFMON", "perf_event_open"},
};

// Every address family but those that are no use in a container and were exploited: AF_ALG
// (CVE-2026-31431), AF_VSOCK and old protocols.
constexpr std::uint64_t families_below = 12;
constexpr std::array<std::uint64_t, 25> families{13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29,
                                                 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45};
constexpr std::array<std::uint64_t, 5> personalities{0, 8, 0x20000, 0x20008, 0xffffffff};
constexpr std::uint64_t namespace_clone_flags = 0x7e020000;

#if defined(__x86_64__)
constexpr std::string_view machine = "amd64";
constexpr std::string_view machine_calls = "arch_prctl modify_ldt";
constexpr std::array<std::string_view, 3> architectures{"SCMP_ARCH_X86_64", "SCMP_ARCH_X86",
                                                        "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
constexpr std::string_view machine = "arm64";
constexpr std::string_view machine_calls =
    "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls";
constexpr std::array<std::string_view, 2> architectures{"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#else
constexpr std::string_view machine = "riscv64";
constexpr std::string_view machine_calls = "riscv_flush_icache";
constexpr std::array<std::string_view, 1> architectures{"SCMP_ARCH_RISCV64"};
#endif

bool has(const std::vector<std::string>& capabilities, std::string_view name) {
    return std::ranges::find(capabilities, name) != capabilities.end();
}

SeccompRule allow_calls(std::string_view names) {
    return {.names = split(names, ' '), .action = std::string(allow)};
}

SeccompRule allow_when(const char* call, std::uint64_t value, const char* op,
                       std::uint64_t value_two = 0) {
    SeccompRule rule = allow_calls(call);
    rule.args.push_back({.index = 0, .value = value, .value_two = value_two, .op = op});
    return rule;
}

constexpr std::uint32_t eperm = 1;
constexpr std::uint32_t enosys = 38;

// ---- Docker's file format ----

struct Condition {
    std::vector<std::string> caps, arches;
};

void read_value(const json& j, Condition& out) {
    read_field(j, "caps", out.caps);
    read_field(j, "arches", out.arches);
}

bool applies(const json& rule, const std::vector<std::string>& capabilities) {
    const auto any_capability = [&](const Condition& c) {
        return std::ranges::any_of(c.caps,
                                   [&](const auto& name) { return has(capabilities, name); });
    };
    const auto any_machine = [&](const Condition& c) { return has(c.arches, machine); };
    Condition includes;
    Condition excludes;
    read_field(rule, "includes", includes);
    read_field(rule, "excludes", excludes);
    const auto all_capabilities_there = [&] {
        return std::ranges::all_of(includes.caps,
                                   [&](const auto& name) { return has(capabilities, name); });
    };
    if (any_capability(excludes) || any_machine(excludes)) return false;
    if (!includes.arches.empty() && !any_machine(includes)) return false;
    return all_capabilities_there();
}

/// archMap entries of this machine, or the plain "architectures".
std::vector<std::string> profile_architectures(const json& profile) {
    std::vector<std::string> out;
    read_field(profile, "architectures", out);
    const auto map = profile.find("archMap");
    if (map == profile.end() || !map->is_array()) return out;
    for (const json& entry : *map) {
        std::string name;
        std::vector<std::string> sub;
        read_field(entry, "architecture", name);
        read_field(entry, "subArchitectures", sub);
        if (name != architectures.front()) continue;
        out.push_back(std::move(name));
        out.insert(out.end(), sub.begin(), sub.end());
    }
    return out;
}

SeccompRule read_rule(const json& entry) {
    SeccompRule rule;
    std::string single;
    read_field(entry, "name", single);
    read_field(entry, "names", rule.names);
    if (!single.empty()) rule.names.push_back(std::move(single));
    read_field(entry, "action", rule.action);
    read_field(entry, "errnoRet", rule.errno_ret);
    read_field(entry, "args", rule.args);
    return rule;
}

}  // namespace

Seccomp default_seccomp(const std::vector<std::string>& capabilities) {
    Seccomp out;
    out.default_action = "SCMP_ACT_ERRNO";
    out.default_errno_ret = eperm;
    out.architectures.assign(architectures.begin(), architectures.end());
    out.syscalls.push_back(allow_calls(always_allowed));
    out.syscalls.push_back(allow_calls(machine_calls));
    out.syscalls.push_back(allow_when("socket", families_below, "SCMP_CMP_LT"));
    for (const auto family : families) {
        out.syscalls.push_back(allow_when("socket", family, "SCMP_CMP_EQ"));
    }
    for (const auto value : personalities) {
        out.syscalls.push_back(allow_when("personality", value, "SCMP_CMP_EQ"));
    }
    for (const auto& [capability, calls] : capability_calls) {
        if (has(capabilities, capability)) out.syscalls.push_back(allow_calls(calls));
    }
    if (!has(capabilities, "CAP_SYS_ADMIN")) {
        // clone without new namespaces; clone3's flags cannot be seen by a filter, so the C
        // library is told to fall back to clone.
        out.syscalls.push_back(allow_when("clone", namespace_clone_flags, "SCMP_CMP_MASKED_EQ"));
        SeccompRule clone3{.names = {"clone3"}, .action = "SCMP_ACT_ERRNO", .errno_ret = enosys};
        out.syscalls.push_back(std::move(clone3));
    }
    return out;
}

Seccomp seccomp_from_docker_profile(std::string_view text,
                                    const std::vector<std::string>& capabilities) {
    const json profile = json::parse(text, nullptr, false);
    if (!profile.is_object()) {
        throw Error(ErrorKind::invalid_argument, "seccomp profile: malformed JSON");
    }
    try {
        Seccomp out;
        read_field(profile, "defaultAction", out.default_action);
        read_field(profile, "defaultErrnoRet", out.default_errno_ret);
        read_field(profile, "flags", out.flags);
        out.architectures = profile_architectures(profile);
        const auto rules = profile.find("syscalls");
        if (rules != profile.end() && rules->is_array()) {
            for (const json& entry : *rules) {
                if (applies(entry, capabilities)) out.syscalls.push_back(read_rule(entry));
            }
        }
        if (out.default_action.empty()) {
            throw Error(ErrorKind::invalid_argument, "defaultAction: want a string");
        }
        return out;
    } catch (const Error& e) {
        throw e.within("seccomp profile");
    }
}

}  // namespace brig::oci
