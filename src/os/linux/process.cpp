// Processes by pidfd.
#include "os/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "base/strings.h"

namespace brig::os {

Process Process::open(pid_t pid) {
    Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd) throw SysError("open process {}", pid);
    return {pid, std::move(fd)};
}

bool Process::signal(int number) const {
    if (::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0) return true;
    if (errno == ESRCH) return false;
    throw SysError("send signal {} to process {}", number, pid_);
}

std::optional<int> Process::wait() const {
    int status = 0;
    pid_t got = 0;
    do {
        got = ::waitpid(pid_, &status, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return std::nullopt;
    return status;
}

std::optional<std::uint64_t> process_start_time(pid_t pid) {
    std::array<char, 64> path{};
    *fmt::format_to(path.data(), "/proc/{}/stat", pid) = '\0';
    const Fd file(::open(path.data(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    std::array<char, 1024> buffer;
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n <= 0) return std::nullopt;
    // "pid (name) state ppid …": the name may hold anything, so count fields from its last ')'.
    const std::string_view text(buffer.data(), static_cast<std::size_t>(n));
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= text.size()) return std::nullopt;
    const auto fields = split(text.substr(name_end + 2), ' ');
    constexpr std::size_t state = 0;
    constexpr std::size_t start_time = 19;
    if (fields.size() <= start_time || fields[state] == "Z" || fields[state] == "X") {
        return std::nullopt;
    }
    return parse_int<std::uint64_t>(fields[start_time]);
}

void become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) throw SysError("become a subreaper");
}

namespace {

bool cannot_be_written(int program) {
    struct statvfs info {};
    if (::fstatvfs(program, &info) == 0 && (info.f_flag & ST_RDONLY) != 0) return true;
    const int seals = ::fcntl(program, F_GET_SEALS);
    return seals >= 0 && (seals & F_SEAL_WRITE) != 0;
}

Fd read_only_mount_of_program() {
    Fd tree(::open_tree(AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!tree) return {};
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        return {};
    return tree;
}

Fd sealed_copy_of(int program) {
    Fd copy(::memfd_create("brig", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy) throw SysError("create memory file");
    struct stat info {};
    if (::fstat(program, &info) != 0) throw SysError("look at own program");
    for (off_t left = info.st_size; left > 0;) {
        const ssize_t n = ::sendfile(copy.get(), program, nullptr, static_cast<std::size_t>(left));
        if (n <= 0) throw SysError("copy own program");
        left -= n;
    }
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::fcntl(copy.get(), F_ADD_SEALS, seals) != 0) throw SysError("seal memory file");
    return copy;
}

}  // namespace

void protect_own_program(char** argv) {
    const Fd program = open_file("/proc/self/exe", O_RDONLY);
    if (cannot_be_written(program.get())) {
        // Started by descriptor, the process would be called by its number.
        if (argv[0] != nullptr) ::prctl(PR_SET_NAME, ::basename(argv[0]), 0, 0, 0);
        return;
    }
    Fd copy = read_only_mount_of_program();
    if (!copy) copy = sealed_copy_of(program.get());
    ::execveat(copy.get(), "", argv, environ, AT_EMPTY_PATH);
    throw SysError("continue from a protected copy of own program");
}

}  // namespace brig::os
