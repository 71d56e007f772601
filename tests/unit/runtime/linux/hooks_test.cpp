// Hooks: what they are told, where and with which rights they run, and what is said of one that
// fails. Needs root and busybox-static.
#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"
#include "support/container_test.h"

namespace brig::runtime {
namespace {

using test::Bundle;
using test::failure;
using testing::HasSubstr;

class Hooks : public test::ContainerTest {
protected:
    static oci::Hook shell(const std::string& script) { return {"/bin/sh", {"sh", "-c", script}}; }
};

TEST_F(Hooks, FailuresAreNamedWithWhatWasSaid) {
    using List = std::vector<oci::Hook> oci::Hooks::*;
    for (const auto& [name, list] :
         {std::pair<const char*, List>{"prestart", &oci::Hooks::prestart},
          {"createRuntime", &oci::Hooks::create_runtime},
          {"createContainer", &oci::Hooks::create_container},
          {"startContainer", &oci::Hooks::start_container}}) {
        Bundle bundle({"true"});
        bundle.spec.hooks.*list = {shell("echo fine"), shell("echo out; echo why >&2; exit 3")};
        EXPECT_THAT(failure(bundle), HasSubstr(fmt::format("error running {} hook #1: ", name)));
        EXPECT_THAT(failure(bundle), HasSubstr("exit status 3: out\nwhy"));
    }
}

/// "Lifecycle", step 9.
TEST_F(Hooks, AFailedPoststartHookEndsTheContainer) {
    for (const bool in_two_steps : {false, true}) {
        Bundle bundle({"sleep", "100"});
        const auto mark = bundle.path() / "mark";
        bundle.spec.hooks.poststart = {shell("exit 3"), shell("touch " + mark.string() + ".late")};
        bundle.spec.hooks.poststop = {shell("cat > " + mark.string())};
        write_file_atomic(bundle.path() / "config.json", to_json(bundle.spec));
        if (in_two_steps) {
            const pid_t pid = bundle.runtime().create(bundle.request()).pid;
            EXPECT_THROW(bundle.runtime().start(bundle.id), Error);
            EXPECT_EQ(Bundle::wait(pid), 128 + SIGKILL);
        } else {
            EXPECT_THAT(failure(bundle), HasSubstr("error running poststart hook #0: "));
        }
        EXPECT_TRUE(bundle.runtime().list().empty());
        EXPECT_THAT(read_file(mark), HasSubstr("\"status\":\"stopped\""));
        EXPECT_FALSE(std::filesystem::exists(mark.string() + ".late"));
    }
}

TEST_F(Hooks, OutputWithoutEndFillsNothing) {
    Bundle bundle({"true"});
    bundle.spec.hooks.prestart = {shell("head -c 1000000 /dev/zero; sleep 5 & exit 0")};
    EXPECT_EQ(bundle.run().status, 0);
}

TEST_F(Hooks, CreateContainerStartsInTheRoot) {
    Bundle bundle({"cat", "/made"});
    bundle.spec.hooks.create_container = {shell("echo here > ./made")};
    EXPECT_EQ(bundle.run().output, "here\n");
}

TEST_F(Hooks, StartContainerIsLikeTheProgram) {
    Bundle bundle({"cat", "/dev/shm/seen"});
    bundle.spec.process.env = {"PATH=/bin", "ONE=two"};
    bundle.spec.process.capabilities->bounding = {"CAP_KILL"};
    bundle.spec.hooks.start_container = {
        shell("{ echo $ONE; grep -E 'CapBnd|Seccomp:' /proc/self/status; } > /dev/shm/seen")};
    EXPECT_EQ(bundle.run().output, "two\nCapBnd:\t0000000000000020\nSeccomp:\t2\n");
    // One that names its own variables has no others.
    bundle.spec.hooks.start_container.front().env = {"PATH=/bin", "THREE=four"};
    EXPECT_THAT(bundle.run().output, HasSubstr("\nCapBnd"));
}

}  // namespace
}  // namespace brig::runtime
