// Control groups: those beneath the container's that processes enter, and systemd's. Needs root and
// busybox-static.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/strings.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::end;
using test::failure;
using testing::HasSubstr;

class Groups : public test::ContainerTest {
protected:
    void SetUp() override {
        ContainerTest::SetUp();
        for (const char* place : {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"}) {
            if (!top_.empty() || !std::filesystem::exists(std::string(place) + "/cgroup.procs"))
                continue;
            top_ = place;
        }
        if (top_.empty()) GTEST_SKIP() << "no version 2 of control groups";
    }
    static std::string failure_to_enter(Bundle& bundle, const std::string& below) {
        ExecRequest request;
        request.process = bundle.spec.process;
        request.below = {below};
        try {
            Bundle::wait(bundle.runtime().exec(bundle.id, std::move(request)).pid);
        } catch (const Error& e) {
            return e.message();
        }
        return {};
    }
    [[nodiscard]] std::filesystem::path group(const Bundle& bundle) const {
        return top_ / "brig" / bundle.id;
    }
    std::filesystem::path top_;
};

TEST_F(Groups, BeneathTheContainersOwn) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    std::filesystem::create_directory(group(bundle) / "sub");
    ExecRequest request;
    request.process = bundle.spec.process;
    request.process.args = {"sleep", "100"};
    request.below = {"sub"};
    const Started entered = bundle.runtime().exec(bundle.id, std::move(request));
    EXPECT_EQ(trim(read_file(group(bundle) / "sub/cgroup.procs")), std::to_string(entered.pid));

    EXPECT_THAT(failure_to_enter(bundle, "../x"), HasSubstr("bad sub cgroup path \"../x\""));
    EXPECT_THAT(failure_to_enter(bundle, "absent"), HasSubstr("no such file"));
    EXPECT_THAT(failure_to_enter(bundle, "whaaat:/"), HasSubstr("unknown controller \"whaaat\""));
    ::kill(entered.pid, SIGKILL);
    Bundle::wait(entered.pid);
    end(bundle, started);
    EXPECT_FALSE(std::filesystem::exists(group(bundle)));
}

// Their group is gone; what enters goes where they went.
TEST_F(Groups, OfAContainerThatHasMovedItself) {
    Bundle bundle({"sleep", "100"});
    const Started started = bundle.runtime().run(bundle.request());
    const auto elsewhere = top_ / "brig" / ("elsewhere-" + bundle.id);
    std::filesystem::create_directory(elsewhere);
    write_all(open_file(elsewhere / "cgroup.procs", O_WRONLY).get(), std::to_string(started.pid));
    std::filesystem::remove(group(bundle));
    EXPECT_EQ(bundle.exec({"true"}).status, 0);
    write_all(open_file(elsewhere / "cgroup.kill", O_WRONLY).get(), "1");
    end(bundle, started);
    std::filesystem::remove(elsewhere);
}

TEST_F(Groups, OfSystemdNeedSystemd) {
    if (std::filesystem::exists("/run/systemd/system")) GTEST_SKIP() << "systemd runs here";
    Bundle bundle({"true"});
    auto request = bundle.request();
    request.systemd_cgroup = true;
    try {
        bundle.runtime().run(std::move(request));
        FAIL() << "started";
    } catch (const Error& e) {
        EXPECT_THAT(e.message(), HasSubstr("systemd cgroup flag passed, but systemd support for "
                                           "managing cgroups is not available"));
    }
    EXPECT_TRUE(bundle.runtime().list().empty());
}

}  // namespace
}  // namespace brig::runtime
