// Compiled filters: cached by the whole profile, never mixed up, loadable.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "os/linux/seccomp.h"
#include "os/sandbox.h"

namespace brig::os {
namespace {

Seccomp allow_all_but(const std::string& call, std::uint32_t error) {
    Seccomp profile;
    profile.default_action = "SCMP_ACT_ALLOW";
    profile.syscalls.push_back({.names = {call, "no_such_call_at_all"},
                                .action = "SCMP_ACT_ERRNO",
                                .errno_ret = error,
                                .args = {}});
    return profile;
}

/// The exit status of `action` in a child with the filter loaded.
template <typename Action>
int filtered(const SyscallFilter& filter, Action action) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        load_filter(filter);
        // Not _exit(3): a sanitizer would have more system calls to make first.
        ::syscall(SYS_exit_group, action());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SyscallFilter, DoesWhatTheProfileSays) {
    const auto filter = SyscallFilter::compile(allow_all_but("getppid", 77), "");
    EXPECT_EQ(filtered(filter, [] { return ::syscall(SYS_getppid) < 0 ? errno : 0; }), 77);
    EXPECT_EQ(filtered(filter, [] { return ::syscall(SYS_getpid) < 0 ? errno : 0; }), 0);
}

TEST(SyscallFilter, CallsNewerThanTheLibraryDoNotExist) {
    Seccomp profile;
    profile.default_action = "SCMP_ACT_ERRNO";
    profile.syscalls.push_back({.names = {"exit_group", "getpid", "mseal"},
                                .action = "SCMP_ACT_ALLOW",
                                .errno_ret = {},
                                .args = {}});
    const auto filter = SyscallFilter::compile(profile, "");
    EXPECT_EQ(filtered(filter, [] { return ::syscall(SYS_getppid) < 0 ? errno : 0; }), EPERM);
    EXPECT_EQ(filtered(filter, [] { return ::syscall(599) < 0 ? errno : 0; }), ENOSYS);
    constexpr long mseal =
        462;  // allowed by name: reaches the kernel, which dislikes the arguments
    EXPECT_NE(filtered(filter, [] { return ::syscall(mseal, 1, 1, 99) < 0 ? errno : 0; }), EPERM);
}

TEST(SyscallFilter, CachesByTheWholeProfile) {
    TempDir cache("/tmp", "brig-seccomp");
    const auto first = SyscallFilter::compile(allow_all_but("getppid", 77), cache.path());
    const auto again = SyscallFilter::compile(allow_all_but("getppid", 77), cache.path());
    const auto other = SyscallFilter::compile(allow_all_but("getppid", 78), cache.path());
    EXPECT_EQ(first.key(), again.key());
    EXPECT_NE(first.key(), other.key());
    const auto loaded = SyscallFilter::from_cache(other.key(), cache.path());
    EXPECT_EQ(filtered(loaded, [] { return ::syscall(SYS_getppid) < 0 ? errno : 0; }), 78);
}

TEST(SyscallFilter, DamagedAndForeignFilesAreCompiledAnew) {
    TempDir cache("/tmp", "brig-seccomp");
    const auto profile = allow_all_but("getppid", 77);
    const auto first = SyscallFilter::compile(profile, cache.path());
    const auto file = cache.path() / first.key();
    const std::string good = read_file(file);
    std::string damaged = good;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    for (const std::string& content :
         {std::string(), std::string("x"), good.substr(0, 40), damaged}) {
        write_file_atomic(file, content, 0600);
        EXPECT_THROW(SyscallFilter::from_cache(first.key(), cache.path()), Error);
        const auto again = SyscallFilter::compile(profile, cache.path());
        EXPECT_EQ(again.key(), first.key());
        EXPECT_EQ(read_file(file), good);
    }
    std::filesystem::permissions(file, std::filesystem::perms(0660));  // others could write it
    EXPECT_THROW(SyscallFilter::from_cache(first.key(), cache.path()), Error);
}

TEST(SyscallFilter, ACollidingHashDoesNotReplaceAProfile) {
    TempDir cache("/tmp", "brig-seccomp");
    const auto strict = SyscallFilter::compile(allow_all_but("getppid", 77), cache.path());
    const auto other = SyscallFilter::compile(allow_all_but("getppid", 78), cache.path());
    // As if both had the same hash.
    std::filesystem::rename(cache.path() / other.key(), cache.path() / strict.key());
    const auto next = SyscallFilter::compile(allow_all_but("getppid", 77), cache.path());
    EXPECT_NE(next.key(), strict.key());
    EXPECT_EQ(filtered(next, [] { return ::syscall(SYS_getppid) < 0 ? errno : 0; }), 77);
}

TEST(SyscallFilter, RefusesWhatItDoesNotKnow) {
    Seccomp profile = allow_all_but("getppid", 1);
    profile.syscalls[0].action = "SCMP_ACT_MAYBE";
    EXPECT_THROW(SyscallFilter::compile(profile, ""), Error);
    profile = allow_all_but("getppid", 1);
    profile.architectures = {"SCMP_ARCH_ABACUS"};
    EXPECT_THROW(SyscallFilter::compile(profile, ""), Error);
    profile = allow_all_but("getppid", 1);
    profile.flags = {"SECCOMP_FILTER_FLAG_X"};
    EXPECT_THROW(SyscallFilter::compile(profile, ""), Error);
    EXPECT_THROW(SyscallFilter::from_cache("absent", "/tmp"), Error);
    EXPECT_TRUE(SyscallFilter::from_cache("", "/tmp").empty());
}

}  // namespace
}  // namespace brig::os
