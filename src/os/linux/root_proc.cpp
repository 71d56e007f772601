// The parts of RootTree that use kernel file systems' own files: sysctls by our procfs, the
// terminal by the container's devpts.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "os/beneath.h"
#include "os/linux/container_pty.h"
#include "os/linux/mount_calls.h"
#include "os/linux/root_tree.h"

namespace brig::os {
namespace {

struct SysctlFamily {
    std::string_view prefix;  // ends in '.' for a family, else the whole name
    std::string_view name_space;
};
// Only what a namespace keeps apart from the host.
constexpr std::array sysctl_families{
    SysctlFamily{"net.", "network"},          SysctlFamily{"fs.mqueue.", "ipc"},
    SysctlFamily{"kernel.msgmax", "ipc"},     SysctlFamily{"kernel.msgmnb", "ipc"},
    SysctlFamily{"kernel.msgmni", "ipc"},     SysctlFamily{"kernel.sem", "ipc"},
    SysctlFamily{"kernel.shmall", "ipc"},     SysctlFamily{"kernel.shmmax", "ipc"},
    SysctlFamily{"kernel.shmmni", "ipc"},     SysctlFamily{"kernel.shm_rmid_forced", "ipc"},
    SysctlFamily{"kernel.domainname", "uts"}, SysctlFamily{"kernel.hostname", "uts"},
};

/// CVE-2022-0811: neither other settings of the host nor a second line through a value.
void check_sysctl(const LinuxSettings& settings, const std::string& name,
                  const std::string& value) {
    std::string dotted = name;
    std::ranges::replace(dotted, '/', '.');
    const auto family = std::ranges::find_if(sysctl_families, [&](const SysctlFamily& f) {
        return f.prefix.ends_with('.') ? dotted.starts_with(f.prefix) : dotted == f.prefix;
    });
    const bool clean_name = std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '/' || c == '_' || c == '-';
    });
    if (family == sysctl_families.end() || !clean_name || dotted.find("..") != std::string::npos) {
        throw Error(ErrorKind::invalid_argument,
                    "sysctl {:?} is not in a separate kernel namespace", name);
    }
    if (value.find('\n') != std::string::npos) {
        throw Error(ErrorKind::invalid_argument, "sysctl {}: the value has more than one line",
                    name);
    }
    const bool own = std::ranges::any_of(
        settings.namespaces, [&](const Namespace& ns) { return ns.type == family->name_space; });
    if (!own) {
        throw Error(ErrorKind::invalid_argument,
                    "sysctl {:?} is not allowed in the host's {} namespace", name,
                    family->name_space);
    }
}

/// "net.ipv4.conf.eth0/1.x" has slashes where the name itself has dots.
std::string sysctl_path(const std::string& name) {
    const auto first = name.find_first_of("./");
    std::string path = name;
    if (first != std::string::npos && name[first] == '.') {
        for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    }
    return "sys/" + path;
}

Fd own_procfs() {
    MountPlan plan;
    plan.type = plan.source = "proc";
    plan.target = "/proc";
    return make_mount(plan, "/");
}

}  // namespace

void RootTree::write_sysctls() {
    const auto& settings = spec_.linux_settings.sysctl;
    if (settings.empty()) return;
    if (!proc_) proc_ = own_procfs();
    for (const auto& [name, value] : settings) {
        check_sysctl(spec_.linux_settings, name, value);
        open_how how{};
        how.flags = O_WRONLY | O_CLOEXEC;
        how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
        const std::string path = sysctl_path(name);
        const Fd file(
            static_cast<int>(::syscall(SYS_openat2, proc_.get(), path.c_str(), &how, sizeof how)));
        if (!file || ::write(file.get(), value.data(), value.size()) < 0) {
            throw SysError("set sysctl {} to {:?}", name, value);
        }
    }
}

Pty RootTree::make_terminal() {
    Pty terminal = open_container_pty(root_.get());
    const Fd dev = open_in_root(root_.get(), "/dev", O_PATH | O_DIRECTORY);
    const Fd made(::openat(dev.get(), "console",
                           O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                           0600));
    const Fd place = open_at(dev.get(), "console", O_PATH | O_NOFOLLOW);
    attach_mount(clone_mount(terminal.slave.get()).get(), place.get(), "/dev/console");
    return terminal;
}

}  // namespace brig::os
