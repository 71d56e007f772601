// docker update: clients send zero for all that the user did not name.
#include "fixture.h"

namespace brig::engine::testing {
namespace {

using nlohmann::json;

TEST_F(EngineTest, UpdateChangesOnlyWhatWasAskedFor) {
    auto wanted = request("web");
    wanted.host.memory = 64 << 20;
    wanted.host.restart_policy = {"always", 0};
    engine_->create(wanted);
    engine_->update("web", {{"CpuShares", 512},
                            {"Memory", 0},
                            {"PidsLimit", nullptr},
                            {"RestartPolicy", {{"Name", ""}, {"MaximumRetryCount", 0}}}});
    json host = engine_->inspect("web", false)["HostConfig"];
    EXPECT_EQ(host["CpuShares"], 512);
    EXPECT_EQ(host["Memory"], 64 << 20);
    EXPECT_EQ(host["RestartPolicy"]["Name"], "always");
    EXPECT_EQ(kind_of([&] {
                  engine_->update("web", {{"Memory", 1024}});
              }),
              ErrorKind::invalid_argument);
    engine_->update("web", {{"RestartPolicy", {{"Name", "no"}}}, {"PidsLimit", 7}});
    reopen();
    host = engine_->inspect("web", false)["HostConfig"];
    EXPECT_EQ(host["RestartPolicy"]["Name"], "no");
    EXPECT_EQ(host["PidsLimit"], 7);
}

}  // namespace
}  // namespace brig::engine::testing
