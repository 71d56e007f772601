// Containers of an ordinary user, in a user namespace of their own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.h"
#include "base/strings.h"
#include "support/bundle.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using testing::HasSubstr;

constexpr uid_t ordinary = 54321;

/// What `steps` say, run by an ordinary user in a process of its own.
template <typename Steps>
std::string as_ordinary_user(Steps steps) {
    auto [out, in] = make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::string said;
        try {
            if (::setgroups(0, nullptr) != 0 || ::setgid(ordinary) != 0 || ::setuid(ordinary) != 0)
                throw SysError("become an ordinary user");
            said = steps();
        } catch (const std::exception& e) {
            said = std::string("failed: ") + e.what();
        }
        write_all(in.get(), said);
        ::_exit(0);
    }
    in.reset();
    const std::string said = read_to_end(out.get(), 1U << 20U);
    Bundle::wait(pid);
    return said;
}

void make_rootless(oci::RuntimeSpec& spec, std::vector<IdMapping> users) {
    spec.linux->namespaces.push_back({"user", ""});
    spec.linux->uid_mappings = users;
    spec.linux->gid_mappings = std::move(users);
    for (Mount& mount : spec.mounts) std::erase(mount.options, "gid=5");  // not mapped
}

bool namespaces_allowed() {
    return as_ordinary_user([] {
               return ::unshare(CLONE_NEWUSER) == 0 ? std::string("yes") : std::string("no");
           }) == "yes";
}

class Rootless : public testing::Test {
protected:
    void SetUp() override {
        if (const char* reason = Bundle::missing()) GTEST_SKIP() << reason;
        if (!namespaces_allowed())
            GTEST_SKIP() << "this host gives ordinary users no user namespaces";
    }
};

TEST_F(Rootless, MapsTheUserAlone) {
    const std::string said = as_ordinary_user([] {
        Bundle bundle({"sh", "-c", "id -u; cat /proc/self/setgroups; hostname; ls /dev; exit 3"});
        make_rootless(bundle.spec, {{0, ordinary, 1}});
        bundle.spec.hostname = "mine";
        const auto outcome = bundle.run();
        return outcome.output + std::to_string(outcome.status);
    });
    EXPECT_THAT(said, HasSubstr("0\ndeny\nmine\n"));
    EXPECT_THAT(said, HasSubstr("urandom"));
    EXPECT_THAT(said, testing::EndsWith("3"));
}

TEST_F(Rootless, TheWholeLifecycle) {
    const std::string said = as_ordinary_user([] {
        Bundle bundle({"sleep", "100"});
        make_rootless(bundle.spec, {{0, ordinary, 1}});
        auto runtime = bundle.runtime();
        const Started started = runtime.create(bundle.request());
        std::string text = std::string(to_string(runtime.state(bundle.id).status)) + " ";
        runtime.start(bundle.id);
        text += std::string(to_string(runtime.state(bundle.id).status)) + " ";
        text += std::to_string(bundle.exec({"true"}).status) + " ";
        text += std::to_string(runtime.processes(bundle.id).size()) + " ";
        runtime.kill(bundle.id, SIGKILL, true);
        text += std::to_string(Bundle::wait(started.pid)) + " ";
        runtime.remove(bundle.id);
        const Started again = runtime.run(bundle.request());
        runtime.remove(bundle.id, true);
        text += std::to_string(Bundle::wait(again.pid)) + " ";
        return text + std::to_string(runtime.list().size());
    });
    EXPECT_EQ(said, "created running 0 1 137 137 0");
}

TEST_F(Rootless, LimitsWithoutDelegationAreRefused) {
    const std::string said = as_ordinary_user([] {
        Bundle bundle({"true"});
        make_rootless(bundle.spec, {{0, ordinary, 1}});
        bundle.spec.linux->resources.pids_limit = 10;
        return bundle.run().output;
    });
    EXPECT_THAT(said, HasSubstr("failed: "));
}

TEST_F(Rootless, MappingsOfOthersNeedTheHelper) {
    const std::string said = as_ordinary_user([] {
        Bundle bundle({"true"});
        make_rootless(bundle.spec, {{0, ordinary, 1}, {1, 100000, 10}});
        return bundle.run().output;
    });
    EXPECT_THAT(said, HasSubstr("newuidmap"));
}

}  // namespace
}  // namespace brig::runtime
