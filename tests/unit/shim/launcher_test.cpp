// Starting the real program: races, a stale socket, and leaving nothing behind.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "os/places.h"
#include "shim/client.h"

namespace brig::shim {
namespace {

namespace fs = std::filesystem;

class LauncherTest : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "adopting processes needs root";
        if (!fs::exists(program_)) GTEST_SKIP() << program_ << " is not built";
    }
    std::unique_ptr<Client> connect() { return Client::connect({run_, program_}); }

    TempDir dir_{fs::temp_directory_path(), "brig-launch"};
    fs::path run_ = dir_.path() / "run";
    fs::path program_ = os::own_program().parent_path() / "brig-shim";
};

TEST_F(LauncherTest, ManyCallersGetOneShimThatIsNoChildOfTheirs) {
    std::vector<std::unique_ptr<Client>> clients(6);
    std::vector<std::thread> threads;
    for (auto& client : clients) threads.emplace_back([&] { client = connect(); });
    for (auto& thread : threads) thread.join();
    std::set<int> pids;
    for (auto& client : clients) pids.insert(client->shim_pid());
    EXPECT_EQ(pids.size(), 1U);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(::getsid(*pids.begin()), *pids.begin());
    EXPECT_EQ(fs::status(run_ / "shim.sock").permissions(),
              fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_TRUE(clients.front()->shutdown());
}

TEST_F(LauncherTest, OneThatWasKilledIsReplacedByTheNextCall) {
    const auto client = connect();
    const int first = client->shim_pid();
    ::kill(first, SIGKILL);
    for (int i = 0; i < 500 && ::kill(first, 0) == 0; ++i) ::usleep(10'000);
    const int second = client->shim_pid();
    EXPECT_NE(first, second);
    EXPECT_TRUE(client->shutdown());
}

TEST_F(LauncherTest, OneThatCannotStartIsReported) {
    try {
        Client::connect({run_, "/usr/bin/false"});
        FAIL() << "connected";
    } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::unavailable);
        EXPECT_NE(e.message().find("shim.log"), std::string::npos);
    }
}

}  // namespace
}  // namespace brig::shim
