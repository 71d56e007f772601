// Attacks on and through the program brig-runtime itself: on its file, its command line, and the
// programs of the host that it calls.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <thread>

#include "support/container_test.h"
#include "support/runtime_program.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::run_program;
using testing::HasSubstr;
using testing::Not;

class OwnProgram : public test::ContainerTest {
protected:
    void SetUp() override {
        ContainerTest::SetUp();
        if (!std::filesystem::exists(test::runtime_program()))
            GTEST_SKIP() << "brig-runtime is not built";
    }

    int runtime(const Bundle& bundle, std::vector<std::string> words) const {
        const std::string state = bundle.path() / "state";
        words.insert(words.begin(), {"--root", state});
        return run_program(std::move(words), bundle.path() / "output");
    }
    static void write_config(const Bundle& bundle) {
        write_file_atomic(bundle.path() / "config.json", oci::to_json(bundle.spec));
    }
    static std::string output(const Bundle& bundle) { return read_file(bundle.path() / "output"); }
};

// CVE-2019-5736: a container that gets hold of the runtime's program through /proc/PID/exe must
// not be able to write to it, not even when it runs no more (before that, ETXTBSY protects it).
TEST_F(OwnProgram, CannotBeWrittenThroughAContainer) {
    Bundle bundle({"true"});
    write_config(bundle);
    ASSERT_EQ(runtime(bundle, {"create", "-b", bundle.path(), bundle.id}), 0);
    const pid_t pid = bundle.runtime().state(bundle.id).pid;
    const Fd seen = open_file(fmt::format("/proc/{}/exe", pid), O_PATH);
    ASSERT_EQ(runtime(bundle, {"delete", "--force", bundle.id}), 0);

    const std::string program = fmt::format("/proc/self/fd/{}", seen.get());
    Fd opened(::open(program.c_str(), O_WRONLY | O_CLOEXEC));
    // Other tests run the same program.
    for (int tries = 0; !opened && errno == ETXTBSY && tries < 3000; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        opened = Fd(::open(program.c_str(), O_WRONLY | O_CLOEXEC));
    }
    EXPECT_FALSE(opened);
    EXPECT_THAT(errno, testing::AnyOf(EROFS, EPERM));
}

// The same by making the runtime execute itself inside, where the container's libraries are loaded.
TEST_F(OwnProgram, IsNotTheContainersToRun) {
    Bundle bundle({"/entry"});
    std::ofstream(bundle.rootfs() / "entry") << "#!/proc/self/exe\n";
    ASSERT_EQ(::chmod((bundle.rootfs() / "entry").c_str(), 0755), 0);
    write_config(bundle);
    struct stat before {};
    struct stat after {};
    ASSERT_EQ(::stat(test::runtime_program().c_str(), &before), 0);
    EXPECT_NE(runtime(bundle, {"run", "-b", bundle.path(), bundle.id}), 0);
    ASSERT_EQ(::stat(test::runtime_program().c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
    EXPECT_EQ(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
}

// CVE-2026-30892, CVE-2026-46680: who a process runs as is a number, and the whole of the word.
TEST_F(OwnProgram, UsersAreWholeNumbers) {
    Bundle bundle({"sleep", "100"});
    write_config(bundle);
    ASSERT_EQ(runtime(bundle, {"run", "-d", "-b", bundle.path(), bundle.id}), 0);
    for (const char* user :
         {"", "root", "1000x", "0x0", " 0", "-1", "4294967296", "1000:", "1:2x", "2147483648"}) {
        EXPECT_NE(runtime(bundle, {"exec", "-u", user, bundle.id, "id"}), 0) << user;
        EXPECT_THAT(output(bundle), Not(HasSubstr("uid="))) << user;
    }
    EXPECT_EQ(runtime(bundle, {"exec", "-u", "1000:7", bundle.id, "id"}), 0);
    EXPECT_THAT(output(bundle), HasSubstr("uid=1000 gid=7"));
    EXPECT_EQ(runtime(bundle, {"delete", "--force", bundle.id}), 0);
}

// CVE-2022-1227: processes are listed with the host's program.
TEST_F(OwnProgram, ListsProcessesWithoutTheContainersPrograms) {
    Bundle bundle({"sleep", "100"});
    std::ofstream(bundle.rootfs() / "bin/ps") << "#!/bin/sh\ntouch /ran\n";
    ASSERT_EQ(::chmod((bundle.rootfs() / "bin/ps").c_str(), 0755), 0);
    write_config(bundle);
    ASSERT_EQ(runtime(bundle, {"run", "-d", "-b", bundle.path(), bundle.id}), 0);
    EXPECT_EQ(runtime(bundle, {"ps", "-f", "json", bundle.id}), 0);
    (void)runtime(bundle, {"ps", bundle.id});  // the host may have no ps(1)
    EXPECT_FALSE(std::filesystem::exists(bundle.rootfs() / "ran"));
    EXPECT_EQ(runtime(bundle, {"delete", "--force", bundle.id}), 0);
}

}  // namespace
}  // namespace brig::runtime
