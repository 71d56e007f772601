// Health checks: docker's rules for what a row of probes means.
#include "fixture.h"

namespace brig::engine::testing {
namespace {

using namespace std::chrono_literals;

CreateRequest checked(CreateRequest request, std::chrono::nanoseconds interval, int retries) {
    request.config.health_check = oci::HealthCheck{
        .test = {"CMD", "probe"}, .interval = interval, .timeout = 5s, .retries = retries};
    return request;
}

TEST_F(EngineTest, ProbesMakeHealthyAndUnhealthy) {
    std::atomic<int> status = 0;
    tasks_->on_exec = [&](const shim::ExecSpec&) { return std::pair(status.load(), "said\n"); };
    engine_->create(checked(request("web"), 10ms, 2));
    EXPECT_FALSE(state_of("web").contains("Health"));
    engine_->start("web");
    EXPECT_EQ(state_of("web")["Health"]["Status"], "starting");
    const auto becomes = [&](const char* wanted) {
        return eventually([&] { return state_of("web")["Health"]["Status"] == wanted; });
    };
    EXPECT_TRUE(becomes("healthy"));
    EXPECT_EQ(state_of("web")["Health"]["Log"][0]["Output"], "said\n");
    EXPECT_EQ(engine_->list({.filters = {{"health", {"healthy"}}}}).size(), 1U);
    EXPECT_NE(engine_->list({})[0]["Status"].get<std::string>().find(" (healthy)"),
              std::string::npos);
    status = 1;
    EXPECT_TRUE(becomes("unhealthy"));
    EXPECT_GE(state_of("web")["Health"]["FailingStreak"], 2);
    EXPECT_TRUE(eventually([&] { return state_of("web")["Health"]["Log"].size() == 5; }));
    reopen();
    EXPECT_EQ(state_of("web")["Health"]["Status"], "unhealthy");
    status = 0;
    EXPECT_TRUE(becomes("healthy")) << "probing goes on under the next engine";
}

TEST_F(EngineTest, FailuresDuringTheStartPeriodAreForgiven) {
    tasks_->on_exec = [](const shim::ExecSpec&) { return std::pair(1, ""); };
    auto wanted = checked(request("web"), 10ms, 1);
    wanted.config.health_check->start_period = 1h;
    wanted.config.health_check->start_interval = 10ms;
    engine_->create(wanted);
    engine_->start("web");
    EXPECT_TRUE(eventually([&] { return state_of("web")["Health"]["Log"].size() == 5; }));
    EXPECT_EQ(state_of("web")["Health"]["Status"], "starting");
    EXPECT_EQ(state_of("web")["Health"]["FailingStreak"], 0);
}

TEST_F(EngineTest, NoHealthCheckMeansNone) {
    auto wanted = request("web");
    wanted.config.health_check = oci::HealthCheck{.test = {"NONE"}};
    engine_->create(wanted);
    engine_->start("web");
    EXPECT_FALSE(state_of("web").contains("Health"));
    EXPECT_EQ(engine_->list({.filters = {{"health", {"none"}}}}).size(), 1U);
}

}  // namespace
}  // namespace brig::engine::testing
