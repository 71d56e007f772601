// See labels.h.
#include "os/linux/labels.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.h"

namespace brig::os {
namespace {

bool apparmor_enabled() {
    const Fd file(::open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC));
    char answer = 'N';
    return file && ::read(file.get(), &answer, 1) == 1 && answer == 'Y';
}

bool selinux_enabled() {
    struct statfs info {};
    return ::statfs("/sys/fs/selinux", &info) == 0 && info.f_type == SELINUX_MAGIC;
}

void write_label(int fd, const std::string& setting, const std::string& value) {
    if (::write(fd, value.data(), value.size()) < 0)
        throw SysError("set process.{} to {:?}", setting, value);
}

}  // namespace

Fd open_in_procfs(const std::string& path, int flags) {
    Fd file = open_file("/proc/" + path, flags | O_NOFOLLOW);
    struct statfs info {};
    if (::fstatfs(file.get(), &info) != 0 || info.f_type != PROC_SUPER_MAGIC)
        throw Error(ErrorKind::failed_precondition, "/proc/{} is not on a procfs", path);
    return file;
}

void check_labels(const ProcessSpec& process) {
    const std::string& profile = process.apparmor_profile;
    if (!profile.empty() && profile != "unconfined" && !apparmor_enabled()) {
        throw Error(ErrorKind::failed_precondition,
                    "process.apparmorProfile {:?}: this host has no AppArmor", profile);
    }
    if (!process.selinux_label.empty() && !selinux_enabled()) {
        throw Error(ErrorKind::failed_precondition,
                    "process.selinuxLabel {:?}: this host has no SELinux", process.selinux_label);
    }
}

void check_mount_label(const std::string& label) {
    if (label.empty() || selinux_enabled()) return;
    throw Error(ErrorKind::failed_precondition, "linux.mountLabel {:?}: this host has no SELinux",
                label);
}

ExecLabels::ExecLabels(const ProcessSpec& process) {
    if (!process.apparmor_profile.empty() && apparmor_enabled()) {
        const bool stacked = ::access("/proc/thread-self/attr/apparmor/exec", F_OK) == 0;
        apparmor_ = open_in_procfs(
            stacked ? "thread-self/attr/apparmor/exec" : "thread-self/attr/exec", O_WRONLY);
    }
    if (!process.selinux_label.empty())
        selinux_ = open_in_procfs("thread-self/attr/exec", O_WRONLY);
}

void ExecLabels::apply(const ProcessSpec& process) const {
    if (apparmor_)
        write_label(apparmor_.get(), "apparmorProfile", "exec " + process.apparmor_profile);
    if (selinux_) write_label(selinux_.get(), "selinuxLabel", process.selinux_label);
}

}  // namespace brig::os
