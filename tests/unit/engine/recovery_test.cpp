// What a new engine makes of what a killed one has left.
#include "fixture.h"

namespace brig::engine::testing {
namespace {

TEST_F(EngineTest, RunningContainersStayRunning) {
    const auto id = engine_->create(request("web")).id;
    engine_->start("web");
    reopen();
    EXPECT_EQ(state_of("web")["Status"], "running");
    tasks_->end(id, 5);
    EXPECT_TRUE(eventually([&] { return state_of("web")["ExitCode"] == 5; }));
}

TEST_F(EngineTest, ExitWhileAwayIsNotLost) {
    const auto id = engine_->create(request("web")).id;
    engine_->start("web");
    tasks_->disconnect();
    tasks_->end(id, 7);
    reopen();
    EXPECT_EQ(state_of("web")["Status"], "exited");
    EXPECT_EQ(state_of("web")["ExitCode"], 7);
    EXPECT_FALSE(tasks_->has(id));
}

TEST_F(EngineTest, StartThatWasNeverNotedCountsAsOne) {
    auto wanted = request("web");
    wanted.host.restart_policy = {"always", 0};
    const auto id = engine_->create(wanted).id;
    tasks_->disconnect();
    tasks_->add(id, shim::TaskStatus::stopped, 3);
    reopen();
    EXPECT_TRUE(eventually([&] { return state_of("web")["Status"] == "running"; }));
}

TEST_F(EngineTest, TaskThatVanishedIsExited) {
    const auto id = engine_->create(request("web")).id;
    engine_->start("web");
    tasks_->disconnect();
    tasks_->remove(id, "");
    reopen();
    EXPECT_EQ(state_of("web")["Status"], "exited");
    EXPECT_EQ(state_of("web")["ExitCode"], 255);
}

TEST_F(EngineTest, TaskLostWithTheShimIsExited) {
    const auto id = engine_->create(request("web")).id;
    engine_->create(request("other"));
    engine_->start("web");
    engine_->start("other");
    tasks_->remove(id, "");
    tasks_->reconnect();
    EXPECT_TRUE(eventually([&] { return state_of("web")["Status"] == "exited"; }));
    EXPECT_EQ(state_of("web")["ExitCode"], 255);
    EXPECT_EQ(state_of("other")["Status"], "running");
}

TEST_F(EngineTest, LeftoversAreSwept) {
    const std::string stranger(64, 'a');
    make_directories(directory_.path() / "root/containers" / stranger);
    make_directories(directory_.path() / "run/tasks" / stranger);
    snapshots_->prepare("container-" + stranger, {});
    snapshots_->prepare("somebody-elses", {});
    tasks_->add(stranger, shim::TaskStatus::running);
    reopen();
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "root/containers" / stranger));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "run/tasks" / stranger));
    EXPECT_FALSE(snapshots_->stat("container-" + stranger));
    EXPECT_TRUE(snapshots_->stat("somebody-elses"));
    EXPECT_FALSE(tasks_->has(stranger));
}

TEST_F(EngineTest, AnonymousVolumesGoWithWhatTheyWereMadeFor) {
    const auto kept = volumes_->create({}).name;  // rm without -v had left it
    const auto orphan = volumes_->create({.provisional = true}).name;
    auto wanted = request("web");
    wanted.config.volumes = {"/data"};
    engine_->create(wanted);
    const auto own = engine_->inspect("web", false)["Mounts"][0]["Name"].get<std::string>();
    volumes_->give_up(own);  // killed between this and the removal of the row
    reopen();
    EXPECT_TRUE(volumes_->find(kept));
    EXPECT_FALSE(volumes_->find(orphan));
    EXPECT_TRUE(volumes_->find(own));
    EXPECT_TRUE(volumes_->provisional().empty());
    engine_->remove("web", false, true);
    EXPECT_FALSE(volumes_->find(own));
}

TEST_F(EngineTest, AutoRemovedContainersThatEndedAreGone) {
    auto wanted = request("web");
    wanted.host.auto_remove = true;
    const auto id = engine_->create(wanted).id;
    engine_->start("web");
    tasks_->disconnect();
    tasks_->end(id, 0);
    reopen();
    EXPECT_TRUE(engine_->list({.all = true}).empty());
}

TEST_F(EngineTest, PoliciesApplyAtTheStart) {
    auto wanted = request("always");
    wanted.host.restart_policy = {"always", 0};
    const auto always = engine_->create(wanted).id;
    engine_->start("always");
    engine_->stop("always", {}, {});
    wanted = request("unless");
    wanted.host.restart_policy = {"unless-stopped", 0};
    engine_->create(wanted);
    engine_->start("unless");
    engine_->stop("unless", {}, {});
    reopen();
    EXPECT_TRUE(eventually([&] { return state_of("always")["Status"] == "running"; }));
    EXPECT_EQ(state_of("unless")["Status"], "exited");
}

TEST_F(EngineTest, HalfRemovedContainerIsFinished) {
    const auto id = engine_->create(request("web")).id;
    snapshots_->remove("container-" + id);
    reopen();
    EXPECT_TRUE(engine_->list({.all = true}).empty());
}

TEST_F(EngineTest, DocumentsSurviveTheRoundTrip) {
    auto wanted = request("web");
    wanted.host.binds = {"data:/data:ro"};
    wanted.host.tmpfs = {{"/t", "size=1m"}};
    wanted.host.memory = 64 << 20;
    wanted.host.ulimits = {{"nofile", 10, 20}};
    wanted.host.port_bindings["80/tcp"] = {{"127.0.0.1", "8080"}};
    wanted.config.tty = true;
    engine_->create(wanted);
    const auto before = engine_->inspect("web", false);
    reopen();
    EXPECT_EQ(engine_->inspect("web", false), before);
}

}  // namespace
}  // namespace brig::engine::testing
