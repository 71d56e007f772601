// Commands that show what an engine has, against a stub of one: what docker's client makes of the
// same answers.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "unit/cli/captured.h"
#include "unit/cli/engine_stub.h"

namespace brig::cli {
namespace {

using nlohmann::json;
using test::brig_with;
using test::EngineStub;
using test::Outcome;
using Rules = std::vector<EngineStub::Rule>;

json container(const std::string& id, const std::string& state) {
    return {{"Id", id},
            {"Names", {"/" + id.substr(0, 2)}},
            {"Image", "img"},
            {"Command", "a command of some more words"},
            {"Labels", {{"k", "v"}}},
            {"State", state},
            {"SizeRw", 1000},
            {"SizeRootFs", 5000}};
}

const std::string long_id(64, 'a');

Rules used_disk() {
    json containers = json::array({container(long_id, "running")});
    for (const auto* state : {"paused", "restarting", "exited"})
        containers.push_back(container(std::string(64, 'b'), state));
    const json answer = {
        {"LayersSize", 0},
        {"Images",
         {{{"Id", "sha256:" + long_id}, {"RepoTags", {"x:1"}}, {"Size", 5}, {"SharedSize", 0}}}},
        {"Containers", containers},
        {"Volumes",
         {{{"Name", "v"}, {"Scope", "local"}, {"UsageData", {{"Size", 7}, {"RefCount", 1}}}}}}};
    return {{"GET /system/df", EngineStub::json(200, answer.dump()), {}}};
}

Outcome ask(const Rules& rules, std::vector<std::string> words) {
    EngineStub engine(rules);
    return brig_with(engine.socket(), std::move(words));
}

TEST(SystemDf, ContainersAreActiveWhilePaused) {
    EXPECT_NE(ask(used_disk(), {"system", "df", "--format", "{{.Active}} {{.Reclaimable}}"})
                  .out.find("3 1kB (25%)\n"),
              std::string::npos);
}

TEST(SystemDf, ProgramsGetItWhole) {
    for (const auto* format : {"json", "{{json .}}"}) {
        const auto o = ask(used_disk(), {"system", "df", "-v", "--format", format});
        EXPECT_EQ(o.out.find("\\u0001"), std::string::npos) << o.out;
        const auto told = json::parse(o.out);
        EXPECT_EQ(told["Containers"][0]["ID"], long_id);
        EXPECT_EQ(told["Containers"][0]["Command"], R"("a command of some more words")");
        EXPECT_EQ(told["Images"][0]["ID"], "sha256:" + long_id);
        EXPECT_EQ(told["Images"][0]["Digest"], "");
        EXPECT_EQ(told["Volumes"][0],
                  json::parse(R"({"Availability":"N/A","Driver":"","Group":"N/A","Labels":"",
                      "Links":"1","Mountpoint":"","Name":"v","Scope":"local","Size":"7B",
                      "Status":"N/A"})"));
    }
    EXPECT_EQ(ask(used_disk(), {"system", "df", "-v", "--format",
                                "{{range .Containers}}{{.Label \"k\"}}{{end}}"})
                  .out,
              "vvvv\n");
}

TEST(History, TimesForProgramsAreTheSameUnderEitherName) {
    const Rules rules{{"GET /images/x/history",
                       EngineStub::json(200, R"([{"Id":"x","Created":1795248000,"Size":5}])"),
                       {}}};
    const auto o = ask(rules, {"history", "--human=false", "--format",
                               "{{eq .CreatedSince .CreatedAt}} {{.Size}}", "x"});
    EXPECT_EQ(o.out, "true 5\n") << o.err;
}

TEST(Ps, KnowsDockersFields) {
    const Rules rules{{"GET /containers/json",
                       EngineStub::json(200, json::array({container(long_id, "running")}).dump()),
                       {}}};
    const auto told = json::parse(ask(rules, {"ps", "--format", "json"}).out);
    EXPECT_TRUE(told.contains("Platform") && told["Platform"].is_null()) << told;
    EXPECT_FALSE(told.contains("\x01labels"));
}

TEST(SystemPrune, AsksInDockersWords) {
    EngineStub engine({});
    const auto o = brig_with(engine.socket(), {"system", "prune", "--filter", "label=x", "--filter",
                                               "label!=y", "--filter", " UNTIL =1h"});
    EXPECT_NE(o.out.find("filtered with:\n  - label!=y\n  - label=x\n  - until=1h\n"),
              std::string::npos)
        << o.out;
    const auto refused =
        brig_with(engine.socket(), {"system", "prune", "-f", "--volumes", "--filter", "Until=1h"});
    EXPECT_EQ(refused.code, 1);
    EXPECT_EQ(refused.err, "ERROR: The \"until\" filter is not supported with \"--volumes\"\n");
    EXPECT_TRUE(engine.requests().empty());
}

TEST(Filters, AreCheckedAsFlags) {
    const auto o = ask({}, {"image", "prune", "-f", "--filter", "until"});
    EXPECT_EQ(o.code, 125);
    EXPECT_TRUE(
        o.err.starts_with("invalid argument \"until\" for \"--filter\" flag: bad format of "
                          "filter (expected name=value)\n\nUsage:"))
        << o.err;
}

TEST(Search, AnswersProgramsAsDockerDoes) {
    const Rules rules{
        {"GET /images/search?term=x&limit=5", EngineStub::json(200, "[]"), {}},
        {"GET /images/search?term=x",
         EngineStub::json(200, R"([{"name":"x","description":"d","is_official":true}])"),
         {}}};
    EXPECT_EQ(ask(rules, {"search", "--format", "json", "x"}).out,
              R"({"Description":"d","IsOfficial":"true","Name":"x","StarCount":"0"})"
              "\n");
    EXPECT_EQ(
        ask(rules, {"search", "--limit", "0", "--format", "{{.Name}} {{.IsOfficial}}", "x"}).out,
        "x [OK]\n");
    EXPECT_EQ(ask(rules, {"search", "--limit", "5", "--format", "{{.Name}}", "x"}).out, "");
}

TEST(ManifestInspect, ShowsAsDockerDoes) {
    const std::string raw = R"({"schemaVersion":2})";
    const Rules rules{
        {"GET /distribution/docker.io%2Flibrary%2Fx%3A1/manifest", EngineStub::json(200, raw), {}},
        {"GET /distribution/docker.io%2Flibrary%2Fx%3A1/json",
         EngineStub::json(200, R"({"Descriptor":{"digest":"d","mediaType":"t","size":1},
                           "Platforms":[{"architecture":"a","os":"o"}]})"),
         {}},
        {"GET /distribution/", EngineStub::json(404, R"({"message":"none"})"), {}}};
    EXPECT_EQ(ask(rules, {"manifest", "inspect", "x:1"}).out, "{\n\t\"schemaVersion\": 2\n}\n");
    const auto told =
        nlohmann::ordered_json::parse(ask(rules, {"manifest", "inspect", "-v", "x:1"}).out);
    EXPECT_EQ(
        told["Descriptor"].dump(),
        R"({"mediaType":"t","digest":"d","size":1,"platform":{"architecture":"a","os":"o"}})");
    EXPECT_EQ(told["Raw"], base64(raw));
    const auto o = ask(rules, {"manifest", "inspect", "y:2"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err, "no such manifest: y:2\n");
}

TEST(Create, OnlyMistakesInTheCommandLineAre125) {
    const Rules rules{{"POST /containers/create",
                       EngineStub::json(409, R"({"message":"the name is taken"})"),
                       {}}};
    auto o = ask(rules, {"create", "--name", "n", "img"});
    EXPECT_EQ(o.code, 1);
    EXPECT_EQ(o.err, "Error response from daemon: the name is taken\n");
    o = ask(rules, {"create", "-p", "x:y", "img"});
    EXPECT_EQ(o.code, 125);
    EXPECT_TRUE(o.err.starts_with("brig: ")) << o.err;
}

TEST(Build, AnIdOfAnotherBuildDoesNotStay) {
    const TempDir directory("/tmp", "brig-iid");
    const auto made = directory.path() / "iid", link = directory.path() / "link";
    write_file_atomic(directory.path() / "Dockerfile", "FROM x\n");
    const auto build = [&](const std::string& message, const std::filesystem::path& file) {
        return ask({{"POST /build", EngineStub::json(200, message), {}}},
                   {"build", "-q", "--iidfile", file, directory.path()});
    };
    const std::string good = R"({"aux":{"ID":"sha256:new"}})", bad = R"({"error":"no"})";
    std::filesystem::create_symlink("iid", link);
    for (const auto& file : {made, link}) {
        write_file_atomic(made, "sha256:old");
        EXPECT_EQ(build(bad, file).code, 1);
        EXPECT_FALSE(std::filesystem::exists(made));
        EXPECT_EQ(build(good, file).code, 0);
        EXPECT_EQ(read_file(made), "sha256:new");
    }
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(build(good, "/dev/null").code, 0);
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
    // What the shell has redirected our output to.
    EXPECT_NE(build(good, "/dev/stdout").out.find("sha256:new"), std::string::npos);
}

}  // namespace
}  // namespace brig::cli
