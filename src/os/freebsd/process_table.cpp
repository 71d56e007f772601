// The process table by sysctl kern.proc.
#include "os/process_table.h"

#include <sys/param.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "base/error.h"

namespace brig::os {
namespace {

std::string command_line(pid_t pid, const std::string& name) {
    std::array<int, 4> query{CTL_KERN, KERN_PROC, KERN_PROC_ARGS, static_cast<int>(pid)};
    std::string line(256U << 10U, '\0');
    std::size_t size = line.size();
    if (::sysctl(query.data(), query.size(), line.data(), &size, nullptr, 0) != 0 || size == 0) {
        return "[" + name + "]";
    }
    line.resize(size);
    while (!line.empty() && line.back() == '\0') line.pop_back();
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    return line;
}

}  // namespace

std::optional<ProcessInfo> process_info(pid_t pid) {
    std::array<int, 4> query{CTL_KERN, KERN_PROC, KERN_PROC_PID, static_cast<int>(pid)};
    kinfo_proc found{};
    std::size_t size = sizeof found;
    if (::sysctl(query.data(), query.size(), &found, &size, nullptr, 0) != 0 ||
        size < sizeof found) {
        return std::nullopt;
    }
    ProcessInfo info;
    info.pid = pid;
    info.parent = found.ki_ppid;
    info.uid = found.ki_uid;
    info.started = Instant(std::chrono::seconds(found.ki_start.tv_sec) +
                           std::chrono::microseconds(found.ki_start.tv_usec));
    info.cpu_milliseconds = found.ki_runtime / 1000;
    info.terminal = "?";
    info.command = command_line(pid, found.ki_comm);
    return info;
}

HostInfo host_info() {
    utsname names{};
    ::uname(&names);
    HostInfo info{names.sysname, names.release, names.machine, names.nodename, "", 0, 0};
    info.operating_system = info.system + " " + info.kernel;
    info.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    unsigned long memory = 0;
    std::size_t size = sizeof memory;
    if (::sysctlbyname("hw.physmem", &memory, &size, nullptr, 0) == 0) info.memory = memory;
    return info;
}

}  // namespace brig::os
