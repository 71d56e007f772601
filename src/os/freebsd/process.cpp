// Processes by number, with a kqueue that remembers their end: pdfork(2) gives descriptors only to
// children.
#include "os/process.h"

#include <poll.h>
#include <sys/event.h>
#include <sys/param.h>
#include <sys/procctl.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/error.h"

namespace brig::os {

Process Process::open(pid_t pid) {
    Fd queue(::kqueuex(KQUEUE_CLOEXEC));
    if (!queue) throw SysError("create kqueue");
    struct kevent change;
    // Not one-shot and never read: the queue stays readable once the process has ended.
    EV_SET(&change, static_cast<std::uintptr_t>(pid), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
    if (::kevent(queue.get(), &change, 1, nullptr, 0, nullptr) != 0) {
        if (errno == ESRCH) throw Error(ErrorKind::not_found, "process {} does not exist", pid);
        throw SysError("watch process {}", pid);
    }
    return {pid, std::move(queue)};
}

bool Process::signal(int number) const {
    pollfd ended{fd_.get(), POLLIN, 0};
    if (fd_ && ::poll(&ended, 1, 0) > 0) return false;
    if (::kill(pid_, number) == 0) return true;
    if (errno == ESRCH) return false;
    throw SysError("signal process {}", pid_);
}

std::optional<int> Process::wait() const {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0) {
        if (errno == ECHILD) return std::nullopt;
        if (errno != EINTR) throw SysError("wait for process {}", pid_);
    }
    return status;
}

std::optional<std::uint64_t> process_start_time(pid_t pid) {
    std::array<int, 4> query{CTL_KERN, KERN_PROC, KERN_PROC_PID, static_cast<int>(pid)};
    kinfo_proc found{};
    std::size_t size = sizeof found;
    if (::sysctl(query.data(), query.size(), &found, &size, nullptr, 0) != 0 || size < sizeof found)
        return std::nullopt;
    if (found.ki_stat == SZOMB) return std::nullopt;
    return static_cast<std::uint64_t>(found.ki_start.tv_sec) * 1'000'000U +
           static_cast<std::uint64_t>(found.ki_start.tv_usec);
}

void become_subreaper() {
    // EBUSY: it is one already.
    if (::procctl(P_PID, ::getpid(), PROC_REAP_ACQUIRE, nullptr) != 0 && errno != EBUSY)
        throw SysError("become a reaper");
}

void protect_own_program(char**) {}

}  // namespace brig::os
