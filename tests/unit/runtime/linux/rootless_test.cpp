// Containers of an ordinary user, in a user namespace of their own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/strings.h"
#include "os/linux/cgroup_layout.h"
#include "support/bundle.h"

namespace brig::runtime {
namespace {

namespace fs = std::filesystem;
using test::Bundle;
using testing::HasSubstr;

constexpr uid_t ordinary = 54321;

/// What `steps` say, run by an ordinary user in a process of its own, which root has made ready.
template <typename Steps>
std::string as_ordinary_user(
    Steps steps, const std::function<void()>& make_ready = [] {}) {
    auto [out, in] = make_pipe();
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::string said;
        try {
            make_ready();
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

/// A group of version 2 that is the user's, as systemd delegates one to a session.
class DelegatedGroup {
public:
    explicit DelegatedGroup(const fs::path& mount)
        : path_(mount / ("brig-test-" + std::to_string(::getpid()))) {
        fs::create_directory(path_);
        for (const char* file : {"", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}) {
            if (::chown((path_ / file).c_str(), ordinary, ordinary) != 0)
                throw SysError("chown {}", (path_ / file).string());
        }
    }
    ~DelegatedGroup() { ::rmdir(path_.c_str()); }
    DelegatedGroup(const DelegatedGroup&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

TEST_F(Rootless, DelegatedGroupsHoldTheContainer) {
    const auto& v2 = os::cgroup_layout().v2;
    if (v2.empty()) GTEST_SKIP() << "no version 2 of control groups";
    const DelegatedGroup group(v2);
    const std::string said = as_ordinary_user(
        [] {
            Bundle bundle({"sh", "-c", "sleep 100 & sleep 100; true"});
            make_rootless(bundle.spec, {{0, ordinary, 1}});
            auto runtime = bundle.runtime();
            const Started started = runtime.run(bundle.request());
            while (runtime.processes(bundle.id).size() < 3) ::usleep(1000);
            std::string text = read_file(fmt::format("/proc/{}/cgroup", started.pid));
            text.erase(0, text.rfind("0::"));
            runtime.pause(bundle.id);
            text += std::string(to_string(runtime.state(bundle.id).status)) + " ";
            runtime.resume(bundle.id);
            runtime.remove(bundle.id, true);
            return text + std::to_string(Bundle::wait(started.pid));
        },
        [&] { std::ofstream(group.path() / "cgroup.procs") << ::getpid(); });
    EXPECT_THAT(said, testing::StartsWith("0::/" + group.path().filename().string() + "/brig-t"));
    EXPECT_THAT(said, testing::EndsWith("\npaused 137"));
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
