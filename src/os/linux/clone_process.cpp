// See clone_process.h.
#include "os/linux/clone_process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/log.h"

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
