// The least a container start can cost: what must be asked of the kernel, by bare system calls and
// nothing else. `make bench` compares brig-runtime with it. usage: floor LOWER UPPER WORK ROOT
// PROGRAM: mounts an overlay of the first three on ROOT and runs PROGRAM inside.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace {

void check(long result, const char* what) {
    if (result >= 0) return;
    std::perror(what);
    std::_Exit(1);
}

void mount_at(const char* type, const char* target, unsigned long flags,
              const char* data = nullptr) {
    check(::mount(type, target, type, flags, data), target);
}

void make_devices() {
    ::umask(0);
    struct Node {
        const char* path;
        unsigned major, minor;
    };
    for (const Node& n :
         {Node{"dev/null", 1, 3}, Node{"dev/zero", 1, 5}, Node{"dev/full", 1, 7},
          Node{"dev/random", 1, 8}, Node{"dev/urandom", 1, 9}, Node{"dev/tty", 5, 0}}) {
        check(::mknod(n.path, S_IFCHR | 0666, makedev(n.major, n.minor)), n.path);
    }
    for (const auto& [target, path] : {std::pair{"/proc/self/fd", "dev/fd"},
                                       {"/proc/self/fd/0", "dev/stdin"},
                                       {"/proc/self/fd/1", "dev/stdout"},
                                       {"/proc/self/fd/2", "dev/stderr"},
                                       {"/proc/kcore", "dev/core"},
                                       {"pts/ptmx", "dev/ptmx"}}) {
        check(::symlink(target, path), path);
    }
}

void mask_paths() {
    for (const char* path : {"proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats",
                             "proc/timer_list", "proc/sched_debug"}) {
        if (::access(path, F_OK) == 0)
            check(::mount("/dev/null", path, nullptr, MS_BIND, nullptr), path);
    }
    for (const char* path : {"proc/acpi", "proc/asound", "proc/scsi", "sys/firmware",
                             "sys/devices/virtual/powercap"}) {
        if (::access(path, F_OK) == 0) mount_at("tmpfs", path, MS_RDONLY, "nr_inodes=2");
    }
    for (const char* path : {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"}) {
        if (::access(path, F_OK) != 0) continue;
        check(::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr), path);
        check(::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), path);
    }
}

[[noreturn]] void become_container(char** argv) {
    const std::string overlay =
        std::string("lowerdir=") + argv[1] + ",upperdir=" + argv[2] + ",workdir=" + argv[3];
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), "/");
    check(::mount("overlay", argv[4], "overlay", 0, overlay.c_str()), "overlay");
    check(::chdir(argv[4]), argv[4]);
    constexpr unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    for (const char* directory : {"proc", "dev", "sys"}) ::mkdir(directory, 0755);
    mount_at("proc", "proc", safe);
    mount_at("tmpfs", "dev", MS_NOSUID, "mode=755,size=65536k");
    for (const char* directory : {"dev/pts", "dev/mqueue", "dev/shm"}) ::mkdir(directory, 0755);
    mount_at("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC,
             "newinstance,ptmxmode=0666,mode=0620,gid=5");
    mount_at("sysfs", "sys", safe | MS_RDONLY);
    mount_at("mqueue", "dev/mqueue", safe);
    mount_at("tmpfs", "dev/shm", safe, "mode=1777,size=65536k");
    make_devices();
    mask_paths();
    check(::sethostname("floor", 5), "hostname");
    check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(::umount2(".", MNT_DETACH), "umount");
    char* args[] = {argv[5], nullptr};
    char* env[] = {nullptr};
    ::execve(argv[5], args, env);
    check(-1, argv[5]);
    std::_Exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) return 2;
    clone_args args{};
    args.flags =
        CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
    args.exit_signal = SIGCHLD;
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    check(pid, "clone3");
    if (pid == 0) become_container(argv);
    int status = 0;
    check(::waitpid(static_cast<pid_t>(pid), &status, 0), "wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
