// The state machine of containers, with docker's words where it refuses.
#include "fixture.h"

namespace brig::engine::testing {
namespace {

using nlohmann::json;
using ::testing::Test;

TEST_F(EngineTest, CreatedContainerMergesTheImage) {
    auto wanted = request("web");
    wanted.config.env = {"MINE=2", "FROM_IMAGE=changed"};
    const auto created = engine_->create(wanted);
    const json found = engine_->inspect("web", false);
    EXPECT_EQ(found["Id"], created.id);
    EXPECT_EQ(found["Name"], "/web");
    EXPECT_EQ(found["State"]["Status"], "created");
    EXPECT_EQ(found["Config"]["Env"], (json{"MINE=2", "FROM_IMAGE=changed", "PATH=/bin"}));
    EXPECT_EQ(found["Config"]["Cmd"], json{"sh"});
    EXPECT_EQ(found["Config"]["Labels"]["from"], "image");
    EXPECT_EQ(found["Config"]["Hostname"], created.id.substr(0, 12));
    EXPECT_EQ(found["Image"], image_);
}

TEST_F(EngineTest, InspectHasEveryFieldOfDocker) {
    engine_->create(request("web"));
    const json found = engine_->inspect("web", false);
    for (const char* key :
         {"Id",           "Created",         "Path",           "Args",       "State",
          "Image",        "ResolvConfPath",  "HostnamePath",   "HostsPath",  "LogPath",
          "Name",         "RestartCount",    "Driver",         "Platform",   "MountLabel",
          "ProcessLabel", "AppArmorProfile", "ExecIDs",        "HostConfig", "GraphDriver",
          "Mounts",       "Config",          "NetworkSettings"}) {
        EXPECT_TRUE(found.contains(key)) << key;
    }
    for (const char* key : {"Status", "Running", "Paused", "Restarting", "OOMKilled", "Dead", "Pid",
                            "ExitCode", "Error", "StartedAt", "FinishedAt"}) {
        EXPECT_TRUE(found["State"].contains(key)) << key;
    }
    EXPECT_EQ(found["State"]["StartedAt"], "0001-01-01T00:00:00Z");
}

TEST_F(EngineTest, NameConflictSaysWhoHasIt) {
    const auto first = engine_->create(request("web"));
    std::string message;
    EXPECT_EQ(kind_of([&] { engine_->create(request("web")); }, &message), ErrorKind::conflict);
    EXPECT_EQ(
        message,
        "Conflict. The container name \"/web\" is already in use by container \"" + first.id +
            "\". You have to remove (or rename) that container to be able to reuse that name.");
    engine_->remove("web", false, false);
    EXPECT_NO_THROW(engine_->create(request("web")));
}

TEST_F(EngineTest, PlatformsHaveManySpellings) {
    auto wanted = request("web");
    wanted.platform = "linux/arm64";
    std::string message;
    EXPECT_EQ(kind_of([&] { engine_->create(wanted); }, &message), ErrorKind::not_found);
    EXPECT_EQ(message,
              "image with reference test was found but does not provide the specified platform "
              "(linux/arm64)");
    wanted.platform = "linux/x86_64";
    EXPECT_NO_THROW(engine_->create(wanted));
    wanted.platform = "a/b/c/d";
    EXPECT_EQ(kind_of([&] { engine_->create(wanted); }), ErrorKind::invalid_argument);
}

TEST_F(EngineTest, FailedCreationLeavesNothing) {
    auto wanted = request("web");
    wanted.config.volumes = {"/data"};
    wanted.host.binds = {"data:/x"};
    wanted.config.image = "absent";
    EXPECT_EQ(kind_of([&] { engine_->create(wanted); }), ErrorKind::not_found);
    wanted.config.image = "test";
    wanted.host.binds = {"data:relative"};
    EXPECT_EQ(kind_of([&] { engine_->create(wanted); }), ErrorKind::invalid_argument);
    EXPECT_TRUE(engine_->list({.all = true}).empty());
    EXPECT_TRUE(volumes_->list().empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "root/containers"));
    EXPECT_TRUE(snapshots_->list().empty());
    EXPECT_NO_THROW(engine_->create(request("web")));
}

TEST_F(EngineTest, RunsAndEnds) {
    const auto id = engine_->create(request("web")).id;
    EXPECT_TRUE(engine_->start("web"));
    EXPECT_FALSE(engine_->start("web"));
    EXPECT_EQ(state_of("web")["Status"], "running");
    std::promise<WaitResult> ended;
    engine_->wait("web", WaitCondition::not_running,
                  [&](WaitResult result) { ended.set_value(result); });
    tasks_->end(id, 3);
    EXPECT_EQ(ended.get_future().get().status, 3);
    EXPECT_EQ(state_of("web")["Status"], "exited");
    EXPECT_EQ(state_of("web")["ExitCode"], 3);
    EXPECT_FALSE(tasks_->has(id));
    // Files are deleted once everybody has been told.
    EXPECT_TRUE(
        eventually([&] { return !std::filesystem::exists(directory_.path() / "run/tasks" / id); }));
    EXPECT_TRUE(engine_->start("web"));
    engine_->remove("web", true, true);
}

TEST_F(EngineTest, RemovalOfARunningContainerIsRefused) {
    engine_->create(request("web"));
    engine_->start("web");
    std::string message;
    EXPECT_EQ(kind_of([&] { engine_->remove("web", false, false); }, &message),
              ErrorKind::conflict);
    EXPECT_EQ(message,
              "cannot remove container \"/web\": container is running: stop the container before "
              "removing or force remove");
    engine_->remove("web", true, false);
    EXPECT_EQ(kind_of([&] { engine_->inspect("web", false); }, &message), ErrorKind::not_found);
    EXPECT_EQ(message, "No such container: web");
    EXPECT_TRUE(snapshots_->list().empty());
}

TEST_F(EngineTest, StopEscalates) {
    const auto id = engine_->create(request("web")).id;
    EXPECT_FALSE(engine_->stop("web", {}, {}));
    engine_->start("web");
    tasks_->ignores_term = true;
    EXPECT_TRUE(engine_->stop("web", {}, 0));
    EXPECT_EQ(tasks_->signals_of(id), (std::vector<int>{15, 9}));
    EXPECT_EQ(state_of("web")["ExitCode"], 137);
}

TEST_F(EngineTest, KillOfAStoppedContainerIsAConflict) {
    engine_->create(request("web"));
    EXPECT_EQ(kind_of([&] { engine_->kill("web", "TERM"); }), ErrorKind::conflict);
    engine_->start("web");
    EXPECT_EQ(kind_of([&] { engine_->kill("web", "NOSUCH"); }), ErrorKind::invalid_argument);
}

TEST_F(EngineTest, CommandNotFoundIs127) {
    engine_->create(request("web"));
    tasks_->next_launch_fails =
        Error(ErrorKind::not_found, "exec: \"foo\": executable file not found in $PATH");
    std::string message;
    EXPECT_EQ(kind_of([&] { engine_->start("web"); }, &message), ErrorKind::invalid_argument);
    EXPECT_TRUE(message.starts_with("failed to create task for container: "));
    EXPECT_TRUE(message.ends_with("exec: \"foo\": executable file not found in $PATH"));
    EXPECT_EQ(state_of("web")["Status"], "created");
    EXPECT_EQ(state_of("web")["ExitCode"], 127);
    tasks_->next_launch_fails =
        Error(ErrorKind::permission_denied, "exec: \"/etc\": permission denied");
    EXPECT_ANY_THROW(engine_->start("web"));
    EXPECT_EQ(state_of("web")["ExitCode"], 126);
}

TEST_F(EngineTest, AutomaticRemoval) {
    auto wanted = request("web");
    wanted.host.auto_remove = true;
    wanted.config.volumes = {"/data"};
    const auto id = engine_->create(wanted).id;
    EXPECT_EQ(volumes_->list().size(), 1U);
    engine_->start("web");
    std::promise<WaitResult> removed;
    engine_->wait("web", WaitCondition::removed,
                  [&](WaitResult result) { removed.set_value(result); });
    tasks_->end(id, 4);
    EXPECT_EQ(removed.get_future().get().status, 4);
    EXPECT_TRUE(engine_->list({.all = true}).empty());
    EXPECT_TRUE(volumes_->list().empty());
    EXPECT_TRUE(snapshots_->list().empty());  // the image may go at once
    EXPECT_TRUE(eventually(
        [&] { return std::filesystem::is_empty(directory_.path() / "root/containers"); }));
}

TEST_F(EngineTest, RestartPolicyRetriesAndStopEndsIt) {
    auto wanted = request("web");
    wanted.host.restart_policy = {"on-failure", 1};
    const auto id = engine_->create(wanted).id;
    engine_->start("web");
    tasks_->end(id, 1);
    EXPECT_TRUE(eventually([&] {
        const json found = engine_->inspect("web", false);
        return found["RestartCount"] == 1 && found["State"]["Status"] == "running";
    }));
    tasks_->end(id, 1);
    EXPECT_TRUE(eventually([&] { return state_of("web")["Status"] == "exited"; }));

    wanted = request("always");
    wanted.host.restart_policy = {"always", 0};
    engine_->create(wanted);
    engine_->start("always");
    engine_->stop("always", {}, {});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(state_of("always")["Status"], "exited");
}

TEST_F(EngineTest, RenameMovesTheName) {
    engine_->create(request("one"));
    engine_->create(request("two"));
    EXPECT_EQ(kind_of([&] { engine_->rename("one", "two"); }), ErrorKind::conflict);
    engine_->rename("one", "three");
    EXPECT_EQ(engine_->inspect("three", false)["Name"], "/three");
    EXPECT_NO_THROW(engine_->create(request("one")));
}

TEST_F(EngineTest, WhatIsBeingRemovedIsNoReasonToRefuseAList) {
    const auto id = engine_->create(request("goes")).id;
    engine_->create(request("stays"));
    (void)snapshots_->remove("container-" + id);
    EXPECT_EQ(engine_->list({.all = true, .size = true}).size(), 2U);
    EXPECT_EQ(engine_->disk_usage({"container"})["Containers"].size(), 2U);
}

TEST_F(EngineTest, ListFiltersAndOrders) {
    auto wanted = request("one");
    wanted.config.labels = {{"tier", "a"}};
    engine_->create(wanted);
    const auto second = engine_->create(request("two")).id;
    engine_->start("two");
    EXPECT_EQ(engine_->list({}).size(), 1U);
    const json all = engine_->list({.all = true});
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0]["Names"][0], "/two");
    EXPECT_EQ(engine_->list({.filters = {{"status", {"created"}}}})[0]["Names"][0], "/one");
    EXPECT_EQ(engine_->list({.all = true, .filters = {{"label", {"tier=a"}}}}).size(), 1U);
    EXPECT_EQ(engine_->list({.all = true, .filters = {{"id", {second.substr(0, 5)}}}}).size(), 1U);
    EXPECT_EQ(engine_->list({.all = true, .filters = {{"ancestor", {"test"}}}}).size(), 2U);
    EXPECT_EQ(kind_of([&] {
                  engine_->list({.filters = {{"colour", {"red"}}}});
              }),
              ErrorKind::invalid_argument);
}

TEST_F(EngineTest, ImageInUseIsNotRemoved) {
    engine_->create(request("web"));
    EXPECT_EQ(kind_of([&] { engine_->image_remove("test", false, false); }), ErrorKind::conflict);
    engine_->remove("web", false, false);
    EXPECT_NO_THROW(engine_->image_remove("test", false, false));
}

TEST_F(EngineTest, VolumeInUseIsNotRemoved) {
    auto wanted = request("web");
    wanted.host.binds = {"data:/data"};
    const auto id = engine_->create(wanted).id;
    std::string message;
    EXPECT_EQ(kind_of([&] { engine_->volume_remove("data", false); }, &message),
              ErrorKind::conflict);
    EXPECT_EQ(message, "remove data: volume is in use - [" + id + "]");
    engine_->remove("web", false, true);
    EXPECT_NO_THROW(engine_->volume_remove("data", false));
}

TEST_F(EngineTest, ExecFailureComesThroughTheStream) {
    engine_->create(request("web"));
    ExecConfig config;
    config.cmd = {"foo"};
    EXPECT_EQ(kind_of([&] { engine_->exec_create("web", config); }), ErrorKind::conflict);
    EXPECT_EQ(kind_of([&] { engine_->exec_inspect("absent"); }), ErrorKind::not_found);
}

TEST_F(EngineTest, EventsTellTheStory) {
    auto cursor = engine_->events().subscribe();
    const auto id = engine_->create(request("web")).id;
    engine_->start("web");
    tasks_->end(id, 2);
    std::vector<std::string> actions;
    while (auto event = cursor.next(std::chrono::milliseconds(500))) {
        actions.push_back(event->action);
        if (event->action == "die") {
            EXPECT_EQ(event->attributes.at("exitCode"), "2");
            break;
        }
    }
    EXPECT_EQ(actions, (std::vector<std::string>{"create", "start", "die"}));
}

}  // namespace
}  // namespace brig::engine::testing
