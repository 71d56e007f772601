// See clone_process.h.
#include "os/linux/clone_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strings.h"

namespace brig::os {

CloneResult clone_process(std::uint64_t namespaces, int cgroup) {
    int pidfd = -1;
    clone_args args{};
    args.flags = namespaces | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(cgroup);
    }
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid < 0) throw SysError("create the container's process");
    if (pid == 0) return {0, {}};
    return {pid, Fd(pidfd)};
}

pid_t continue_in_sibling(std::uint64_t namespaces, const ChildReport& report) {
    FdPair told = make_pipe();
    int pidfd = -1;
    clone_args args{};
    args.flags = namespaces | CLONE_PIDFD | CLONE_PARENT;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    if (pid < 0) throw SysError("create the container's process");
    if (pid == 0) {
        told.second.reset();
        if (::read(told.first.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
        ::setsid();  // the one its predecessor made could have no terminal without it
        return pid;
    }
    report.successor(pidfd);
    if (::write(told.second.get(), &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::_exit(0);
}

pid_t pid_of(int pidfd) {
    for (const std::string& line :
         split(read_file(fmt::format("/proc/self/fdinfo/{}", pidfd)), '\n')) {
        if (const auto [key, value] = split_once(line, ':'); key == "Pid" && value)
            return parse_int<pid_t>(trim(*value)).value_or(-1);
    }
    throw Error(ErrorKind::internal, "descriptor {} is no process", pidfd);
}

ChildrenInPidNamespace::ChildrenInPidNamespace(int fd)
    : own_(open_file("/proc/thread-self/ns/pid", O_RDONLY)) {
    if (::setns(fd, CLONE_NEWPID) != 0) throw SysError("use the container's pid namespace");
}

ChildrenInPidNamespace::~ChildrenInPidNamespace() {
    // A failure would put later children into a stranger's namespace: better none.
    if (::setns(own_.get(), CLONE_NEWPID) != 0) {
        log::error("cannot return to the own pid namespace");
        ::abort();
    }
}

}  // namespace brig::os
