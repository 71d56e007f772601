// CVE-2019-5736: a container that gets hold of the runtime's program through /proc/PID/exe must
// not be able to write to it, not even when it runs no more (before that, ETXTBSY protects it).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>

#include <cerrno>

#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;

std::filesystem::path program() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "brig-runtime";
}

int run_program(std::vector<std::string> words) {
    words.insert(words.begin(), program().string());
    std::vector<char*> args;
    for (std::string& word : words) args.push_back(word.data());
    args.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawn(&pid, args[0], nullptr, nullptr, args.data(), environ) != 0) return -1;
    return Bundle::wait(pid);
}

TEST(OwnProgram, CannotBeWrittenThroughAContainer) {
    if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
    if (!std::filesystem::exists(program())) GTEST_SKIP() << "brig-runtime is not built";
    Bundle bundle({"true"});
    write_file_atomic(bundle.path() / "config.json", oci::to_json(bundle.spec));
    const std::string state = bundle.path() / "state";
    ASSERT_EQ(run_program({"--root", state, "create", "-b", bundle.path(), bundle.id}), 0);
    const pid_t pid = bundle.runtime().state(bundle.id).pid;
    const Fd seen = open_file(fmt::format("/proc/{}/exe", pid), O_PATH);
    ASSERT_EQ(run_program({"--root", state, "delete", "--force", bundle.id}), 0);

    const Fd opened(
        ::open(fmt::format("/proc/self/fd/{}", seen.get()).c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_FALSE(opened);
    EXPECT_THAT(errno, testing::AnyOf(EROFS, EPERM));
}

}  // namespace
}  // namespace brig::runtime
